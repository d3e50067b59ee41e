# ruff: noqa: RUF001  typographic characters are part of what a scraper must cope with
"""The shop's vocabulary. Changing a list changes every generated book after it."""

ADJECTIVES = (
    "Silent", "Crooked", "Amber", "Forgotten", "Paper", "Northern", "Hollow", "Restless", "Gilded", "Winter",
    "Borrowed", "Quiet", "Burning", "Salted", "Patient", "Second", "Invisible", "Wandering", "Copper", "Unlikely",
    "Tidal", "Velvet", "Broken", "Midnight", "Distant",
)  # fmt: skip
NOUNS = (
    "Harbour", "Clockmaker", "Orchard", "Lighthouse", "Archive", "River", "Cartographer", "Garden", "Compass",
    "Bridge", "Violin", "Library", "Lantern", "Glacier", "Sparrow", "Telegraph", "Island", "Mirror", "Railway",
    "Kitchen", "Observatory", "Daughter", "Letter", "Fox", "Alphabet",
)  # fmt: skip
PLACES = (
    "São Miguel", "Reykjavík", "Łódź", "Gdańsk", "Coimbra", "Århus", "Brno", "Kyōto", "Québec", "Malmö", "Tromsø",
    "Cádiz", "Žilina", "Zürich", "Tbilisi", "Galway",
)  # fmt: skip
FIRST_NAMES = (
    "Anaïs", "Bjørn", "Chiamaka", "Dmitri", "Élodie", "Farid", "Grażyna", "Hiro", "Inés", "Jürgen", "Kateřina",
    "Liam", "Mónica", "Nils", "Oluwaseun", "Petra", "Qiu", "Rósa", "Siobhán", "Tamás",
)  # fmt: skip
LAST_NAMES = (
    "O’Rourke", "Ågren", "Müller", "Castaño", "Nakamura", "Okafor", "Dvořák", "Lindqvist", "Weiß", "Petrović",
    "Moreau", "Sørensen", "Kowalczyk", "Ferreira", "Vargas", "Thorne", "Zhang", "Hughes", "Brontë-Lee", "Adeyemi",
)  # fmt: skip
CATEGORIES = ("Fiction", "Travel", "Science", "History", "Food & Drink", "Children’s Books", "Poetry", "Crime")
PUBLISHERS = ("Lantern & Sons", "Blackwater House", "Éditions du Quai", "Third Floor Press", "Nordlys Forlag")
FORMATS = ("Hardback", "Paperback", "Pocket edition", "Large print")

# {noun} and {place} are filled in; between them the sentences hold what scrapers trip over: quotes,
# ampersands, angle brackets, accents, dashes, other scripts, and characters outside the basic plane.
SENTENCES = (
    "The {noun} near {place} keeps a secret — and it isn’t the one everybody expects.",
    "“Read it slowly,” says the narrator, “for the {noun} never repeats itself.”",
    "Winner of the {place} Prize for stories in which 2 < 3 & nobody argues.",
    "The café by the {noun} serves crème brûlée, naïve advice & strong coffee.",
    "Translated from 日本語 by the author’s sister; with 12 maps of {place}.",
    "Half memoir, half manual, it asks what one {noun} is worth: £5, 7 € or nothing at all?",
    'Critics called it "unfilmable" until {place} built the set.',
    "Three generations meet at the {noun}… and only one of them brought an umbrella ☂.",
    "Includes the lost chapter, a recipe for żurek & a note on the type.",
    "Für Leser, die {place} lieben – und für alle, die es noch nicht kennen.",
    "A love letter to slow trains, long winters and the {noun} at the end of the line 🚂.",
    "Its last page explains the first; its index (A–Z) is a poem.",
)

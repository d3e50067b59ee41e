"""What sites send when all is well, and the words of which hostile documents are made, by the kind of document."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

DATA = Path(__file__).parents[1] / "data"


@dataclass(frozen=True)
class Kind:
    """Whole `documents` to be damaged, and `words` to damage them with. `nests` has what opens and closes a level.

    The words of `COMMON` are in every kind. `{n}` in a word is a number, another one each time that it is repeated.
    """

    documents: tuple[bytes, ...]
    words: tuple[bytes, ...]
    nests: tuple[tuple[bytes, bytes], ...]


# What is bad text whatever it stands in: NUL, overlong and cut-off UTF-8, halves of characters, marks of byte order.
BAD_TEXT = (
    *(
        b"\x00",
        b"\xc0\xaf",
        b"\xf0\x9f\x98",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"\xff\xfe",
        b"\xfe\xff",
        b"\xef\xbb\xbf",
    ),
    *(b"\x80", b"\x1b$B", b"\x81\x30\x81\x30", b"\xe2\x80\xa8", b"\xef\xbf\xbf", b"\xf0\x9f\x98\x80", b"\xe2\x80\xae"),
    *(b"\r", b"\n", b"\t", b" ", b"\x0b", b"\x1b[31m"),
)
URLS = (
    *(
        b"http://[",
        b"http://[::1",
        b"http://[v1.x]/",
        b"//",
        b"///",
        b"?",
        b"#",
        b"http://h:99999999999/",
        b"http://h:0/",
    ),
    *(
        b"http://h:\xc2\xb2/",
        b"http://u:p@site.example/",
        b"http://site.example\\@h/",
        b"javascript:alert(1)",
        b"http:a",
    ),
    *(
        b"mailto:a@b",
        b"file:///etc/passwd",
        b"data:,x",
        b"http://\xe2\x84\x80.example/",
        b"http://xn--/",
        b"http://h]/",
    ),
    *(
        b"http://" + b"a." * 130,
        b"http://1.2.3/",
        b"http://0x7f.1/",
        b"http://site.example/%",
        b"HTTP://SITE.EXAMPLE:80",
    ),
    *(b"http://site.example/%ff%00?a=%&&==;&a", b"http://site.example/../../..//a;b?c#d", b"http://[fe80::1%25eth0]/"),
    b"http://site.example/\xf0\x9f\x98\x80",
)
NUMBERS = (
    *(b"-1", b"0", b"nan", b"inf", b"1e999", b"9" * 20, b"9" * 400, b"9" * 5000, b"0x" + b"f" * 5000, b"1e-320"),
    *(b"\xd9\xa3", b"\xc2\xb2", b"1_0", b"2024-02-30T25:61:61Z", b"0001-01-01T00:00:00+23:59"),
    *(b"9999-12-31T23:59:59-23:59", b"Mon, 01 Jan 99999 00:00:00 +9999", b"Fri, 31 Dec 9999 23:59:59 -2359"),
    b"Sun, 06 Nov 1994 08:49:37 GMT",
)
COMMON = (*BAD_TEXT, *URLS, *NUMBERS)

HTML = Kind(
    documents=(
        (DATA / "books/listing-1/page.html").read_bytes(),
        (DATA / "books/listing-latin1/page.html").read_bytes(),
        b"""<!DOCTYPE html><html><head><meta charset="utf-8"><base href="http://site.example/a/"><link rel="canonical"
        href="/b"><title>T</title></head><body><table><tr class=row><td>1<td>2.5<td>yes<tr class=row><td>3<td>4<td>no
        </table><a class="next" href="?page=2">next</a><a href="/p/1">one</a><time datetime="2024-03-01T06:00:00Z">
        </time></body></html>""",
        b"""<?xml version='1.0' encoding='utf-8'?><html xmlns='http://www.w3.org/1999/xhtml'><body><ol class='books'>
        <li class='book'><h3><a href='x'>T</a></h3><p class='price'>1.00</p></li></ol></body></html>""",
    ),
    words=(
        *(b"<b>", b"</b>", b'<b a="1">', b"<b a='", b"<p>", b"</p>", b"<a href=", b'<a class="next" href="', b"</a>"),
        *(b"<table>", b"<tr class=row>", b"<td>", b"</table>", b"<select>", b"<option>", b"<svg>", b"<math>", b"<mi>"),
        *(b"<foreignObject>", b"<template>", b"</template>", b"<frameset>", b"<plaintext>", b"<script>", b"<!--"),
        *(b"-->", b"--!>", b"<![CDATA[", b"]]>", b"<!DOCTYPE", b"<?", b"<", b">", b'"', b"'", b"=", b"/", b"&", b"&#"),
        *(b"&#0;", b"&#xD800;", b"&#x110000;", b"&#99999999999;", b"&amp;", b"&NotEqualTilde;", b"<textarea>"),
        *(b"<meta charset=utf-16>", b"<meta charset=x-user-defined>", b"<meta charset=iso-2022-jp>", b"charset="),
        *(b"<meta http-equiv=content-type content='text/html; charset=utf-7'>", b"<meta", b'<base href="http://[">'),
        *(b'<base href="javascript:">', b"<li class='book'>", b"<h3>", b'<link rel=canonical href="', b"<image>"),
        *(b"<isindex>", b"<style>", b"<noscript>", b"<title>", b"<body>", b"<html lang=", b"<form>", b"<button>"),
        *(b"<p ", b"a{n} ", b"a{n}='>'", b"<a href='/{n}'>", b"<tr class=row><td>{n}", b"<li>{n}", b"<b a={n}><p>"),
        *(b"Access Denied", b"&#65;ccess  denied"),
    ),
    nests=(
        *((b"<div>", b"</div>"), (b"<b>", b""), (b"<font size=1>", b"</p>"), (b"<table><td>", b"</table>")),
        *((b"<svg><desc>", b""), (b"<template>", b"</template>"), (b"<a href=x>", b""), (b"<li>", b"</li>")),
        *((b"<span ", b">"), (b"<!--", b"-->"), (b"<p><i x=y>", b"")),
    ),
)

_XML_WORDS = (
    *(b'<?xml version="1.0" encoding="', b"utf-7", b"utf-16", b"UTF-32", b"cp1252", b"x-none", b"ibm037", b'"?>'),
    *(b"<!DOCTYPE urlset [", b'<!ENTITY a "aaaaaaaaaa">', b'<!ENTITY b "&a;&a;&a;&a;&a;&a;">', b"&b;", b"]>"),
    *(b"<!ENTITY % p SYSTEM 'file:///etc/passwd'>%p;", b"<!ENTITY x SYSTEM 'http://site.example/x'>", b"&x;"),
    *(b"<!ATTLIST item link CDATA 'x'>", b"<!ELEMENT a ANY>", b"<!DOCTYPE rss SYSTEM 'http://site.example/dtd'>"),
    *(b"<![CDATA[", b"]]>", b"<!--", b"-->", b"<?pi ", b"?>", b"<", b">", b"/>", b"&", b"&lt;", b"&#0;", b"&#xD800;"),
    *(
        b"xmlns=",
        b"xmlns:a='",
        b" a='",
        b"<a:b>",
        b"<:>",
        b"<a ",
        b"='",
        b"' ",
        b'"',
        b" a{n}=''",
        b"<!ENTITY a{n} ''>",
    ),
    *(b"<a{n}/>", b"<a xmlns:a{n}='{n}'>", b"<{n}:a/>"),
)
SITEMAP = Kind(
    documents=(
        b"""<?xml version="1.0" encoding="UTF-8"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><url>
        <loc>http://site.example/1</loc><lastmod>2024-03-01</lastmod></url><url><loc>http://site.example/2</loc>
        <lastmod>2024-03-01T06:00:00+01:00</lastmod><priority>0.5</priority></url></urlset>""",
        b"""<sitemapindex><sitemap><loc>http://site.example/a.xml</loc></sitemap><sitemap><loc>b.xml</loc></sitemap>
        </sitemapindex>""",
    ),
    words=(
        *_XML_WORDS,
        *(b"<urlset>", b"</urlset>", b"<url>", b"</url>", b"<loc>", b"</loc>", b"<lastmod>", b"</lastmod>", b"<url/>"),
        *(
            b"<sitemapindex>",
            b"<sitemap>",
            b"</sitemap>",
            b"<url><loc>a</loc></url>",
            b"<url><loc>http://[</loc></url>",
        ),
        *(b"<url><loc>/{n}</loc></url>", b"<sitemap><loc>a:</loc></sitemap>", b"<sitemap><loc>{n}</loc></sitemap>"),
    ),
    nests=((b"<url>", b"</url>"), (b"<a>", b""), (b"<a b='", b"'>"), (b"<!--", b"-->"), (b"<loc>", b"</loc>")),
)
FEED = Kind(
    documents=(
        b"""<?xml version="1.0"?><rss version="2.0"><channel><title>T</title><item><title>One</title><link>
        http://site.example/1</link><pubDate>Fri, 01 Mar 2024 06:00:00 GMT</pubDate></item><item><guid>
        http://site.example/2</guid></item><item><title>none</title></item></channel></rss>""",
        b"""<feed xmlns="http://www.w3.org/2005/Atom" xml:base="http://site.example/a/"><entry><link href="1"/><updated>
        2024-03-01T06:00:00Z</updated></entry><entry xml:base="../b/"><link rel="alternate" type="text/html"
        href="2"/></entry></feed>""",
        b"""<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"><item>
        <link>http://site.example/3</link></item></rdf:RDF>""",
    ),
    words=(
        *_XML_WORDS,
        *(b"<rss>", b"</rss>", b"<channel>", b"<item>", b"</item>", b"<item/>", b"<link>", b"</link>", b"<guid>"),
        *(b"</guid>", b'<link href="', b"<link rel=alternate href='", b"xml:base='", b"<entry>", b"</entry>"),
        *(b"<feed>", b"<updated>", b"</updated>", b"<pubDate>", b"</pubDate>", b"<title>", b"</title>"),
        *(
            b'isPermaLink="false"',
            b"<item><link>{n}</link></item>",
            b"<entry xml:base='http://['><link href='a'/></entry>",
        ),
    ),
    nests=(
        *((b"<item>", b"</item>"), (b"<a>", b"</a>"), (b"<a xml:base='b/'>", b"</a>"), (b"<title>", b"</title>")),
        *((b"<a b='", b"'>"), (b"<entry xml:base='c/'>", b"</entry>")),
    ),
)
XML = Kind((*FEED.documents, HTML.documents[-1]), FEED.words, FEED.nests)
JSON = Kind(
    documents=(
        b"""{"items": [{"id": 1, "title": "T", "price": 1.50, "tags": ["a", "b"], "when": "2024-03-01T06:00:00Z"},
        {"id": 2, "title": null, "price": -1e3, "tags": [], "ok": true}], "next": null}""",
        b'[{"id": 9007199254740993, "title": "\\ud83d\\ude00"}]',
        b'\xef\xbb\xbf{"items": [], "title": "\xc3\xbc"}',
    ),
    words=(
        *(b"{", b"}", b"[", b"]", b'"', b":", b",", b"null", b"true", b"NaN", b"-Infinity", b"1.", b"1.5", b"-", b"0"),
        *(
            b"\\",
            b"\\u",
            b"\\ud800",
            b"\\u0000",
            b"\\udc00\\ud800",
            b'"items":',
            b'"a{n}":{n},',
            b"{},",
            b"[],",
            b"1.5,",
        ),
        *(b'{"id":{n}},', b'{"items":[', b"1e400,", b"/*", b"'"),
    ),
    nests=((b"[", b"]"), (b'{"a":', b"}"), (b'{"items":[', b"]}"), (b'"', b'"')),
)
CSV = Kind(
    documents=(
        b'id,title,price\r\n1,"A ""b"", c",1.50\r\n2,,\r\n',
        b"\xef\xbb\xbfid;title;price\n1;\xc3\xbc;1,5\n",
        b"id\ttitle\tprice\n1\tT\t2\n",
    ),
    words=(
        *(b",", b";", b'"', b'""', b"\r\n", b"id", b"{n},", b'"{n}",', b"a{n}\n", b"1,2,3\n", b"=1+1", b"'", b"\\"),
    ),
    nests=((b'"', b'"'), (b",", b"\n")),
)
ROBOTS = Kind(
    documents=(
        b"""User-agent: *
Disallow: /private/
Allow: /private/ok
Crawl-delay: 2

User-agent: daily
Disallow: /x*y$
""",
        b"""User-agent: Googlebot
User-agent: bingbot
Disallow: /
Request-rate: 1/10s 0600-0845

Sitemap: http://site.example/s.xml
""",
        b"<!DOCTYPE html><html><body>Not found</body></html>",
    ),
    words=(
        *(b"User-agent: *\n", b"User-agent: daily-scrape\n", b"User-agent: x\n", b"User agent x\n", b"Disallow: /\n"),
        *(b"Disallow: /*a*a\n", b"Disallow: *$\n", b"Disallow: %E9%\n", b"Allow: /$\n", b"Crawl-delay: ", b"*", b"$"),
        *(b"Request-rate: ", b"1/", b"s\n", b"d\n", b"Visit-time: 0000-2500\n", b"Request-rate: 1/1s 9999-0\n", b":"),
        *(b"#", b"Noindex:", b"Host: x\n", b"/", b"%", b"\n", b"User-agent: a{n}\n", b"Disallow: /{n}\n", b"/*{n}*{n}"),
    ),
    nests=((b"User-agent: a\n", b"Disallow: /b\n"), (b"User-agent: daily\n", b"Allow: /\n"), (b"*", b"a")),
)
SOURCES_FILE = Kind(
    documents=(
        b"""[[source]]
name = "books"
urls = ["http://site.example/1"]
rows = "li"
key = ["title"]
[source.fields]
title = "h3::text"
price = { css = ".price", type = "float", regex = "([0-9.]+)", required = false }
[source.gate]
min_rows = 1
max_failed_percent = 5.0
""",
        b"""[[source]]
name = "many"
url_template = "http://site.example/{page}"
pages = "001-200, 300-500/25"
headers = { Authorization = "Bearer ${TOKEN}" }
fields = { a = "a::attr(href)" }
""",
        b"""[[source]]
name = "crawl"
fields = { a = "h1" }
[source.follow]
start = ["http://site.example/"]
links = "a.next"
pages = "h3 a"
max_depth = 3
""",
        b"""[[source]]
name = "api"
urls = ["http://site.example/1"]
format = "json"
rows = "items[?id > `1`]"
fields = { id = { path = "id", type = "int" } }
""",
        b"""[[source]]
name = "list"
urls = ["http://site.example/1"]
csv = { delimiter = ";" }
fields = { on = { column = "On", type = "date", format = "%d.%m.%Y", timezone = "UTC", default = "01.01.2024" } }
""",
    ),
    words=(
        *(
            b"[[source]]\n",
            b"[source.fields]\n",
            b"[source.a.b]\n",
            b"[source]\n",
            b"a = ",
            b"a.b = 1\n",
            b"a.",
            b"a = {",
        ),
        *(b"}", b"[", b"]", b"'''", b'"""', b'"', b"'", b"=", b",", b".", b"#", b"true", b"1979-05-27", b"\\u0000"),
        *(b"\\ud800", b"${TOKEN}", b"${NONE}", b"$${X}", b"regex = '(a+)+$'\n", b"regex = 'a{99999999999}'\n", b"(?:"),
        *(b":not(", b"::attr(", b"::text", b">", b"*", b"pages = [1, 2]\n", b"max_pages = ", b"timeout_s = "),
        *(b"requests_per_second = ", b"{page}", b"css = '", b"type = 'int'\n", b'"a".', b"rows = '", b"a{n} = 1\n"),
        *(b"[[source]]\nname = 'a{n}'\nurls = ['http://site.example/']\nfields = {a = 'h1'}\n", b"format = 'xml'\n"),
        *(b"{n}-", b"%Q", b"%", b"timezone = '../x'\n", b"path = '", b"|", b"&", b"@", b"`1`", b"[?"),
    ),
    nests=(
        *((b"[", b"]"), (b"{a=", b"}"), (b"a.", b""), (b'"a".', b""), (b":not(", b")"), (b"(?:", b")"), (b"[?", b"]")),
        (b"{", b"}"),
    ),
)
HEADER = Kind(
    documents=(
        *(b"120", b"Sun, 06 Nov 1994 08:49:37 GMT", b"Sunday, 06-Nov-94 08:49:37 GMT", b"Sun Nov  6 08:49:37 1994"),
        *(b"2024-03-01", b"2024-03-01T06:00:00.25+01:00", b"2024", b'W/"abc"', b'"abc"', b"1709272800"),
        *(b"text/html; charset=utf-8", b"application/json", b'TEXT/HTML;Charset="UTF-8"', b"gzip", b"text/xml"),
        *(b"http://site.example/a", b"//site.example/b?c#d", b"../a/./b", b"?page=2"),
    ),
    words=(
        *(
            b"0",
            b"9",
            b"-",
            b"+",
            b":",
            b".",
            b"T",
            b"Z",
            b" ",
            b"GMT",
            b"+2400",
            b"-0000",
            b"Mon",
            b"Feb",
            b"99999",
            b"24",
        ),
        *(
            b'"',
            b"W/",
            b"*",
            b",",
            b"(",
            b")",
            b"(a",
            b"\\",
            b"@",
            b";",
            b"charset=",
            b"text/",
            b"+xml",
            b"/",
            b"?",
            b"#",
        ),
        *(b"../", b"%", b"&{n}=", b"&a={n}", b"[", b"]"),
    ),
    nests=((b"(", b")"), (b'"', b'"'), (b"../", b""), (b"a/", b"")),
)
VALUE = Kind(
    documents=(*HEADER.documents, b"1,234.50 EUR", b"1.234,50", b"- 5", b"yes", b"<b>T</b> &amp; U", b"42"),
    words=(*HEADER.words, *HTML.words[-80:], b"1,", b"1.", b"1 ", b"'", b"\xe2\x80\x8b", b"\xe2\x88\x92", b"a"),
    nests=((b"<b>", b"</b>"), (b"1,", b""), (b"../", b""), (b"a/", b""), (b"\xe2\x80\x8b", b" "), (b"<p><i>", b"")),
)

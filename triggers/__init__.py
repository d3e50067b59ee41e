"""What a trigger does with a durable client, and HTTP in and out. Errors become status codes only here."""

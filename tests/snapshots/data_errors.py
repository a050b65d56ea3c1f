"""Tables with one mistake each."""

HEAD, ROWS = b"length,width,kind\n", b"".join(b"%d,%d,%c\n" % (n, n % 5, b"ab"[n % 2]) for n in range(40))

FILES = {
    "empty.csv": b"",
    "header_only.csv": HEAD,
    "one_column.csv": b"kind\n" + b"a\nb\n" * 20,
    "word_in_numbers.csv": HEAD + ROWS + b"long,1,a\n",
    "too_many_fields.csv": HEAD + ROWS + b"1,2,a,4\n",
    "missing_target.csv": HEAD + ROWS + b"1,2,\n",
    "one_class.csv": HEAD + b"1,2,a\n2,3,a\n" * 20,
    "lonely_class.csv": HEAD + ROWS + b"1,2,c\n",
    "dates.csv": b"day,width,kind\n" + b"2024-01-01,2,a\n2024-02-01,1,b\n" * 20,
    "infinite.csv": HEAD + ROWS + b"1e400,2,a\n",
    "words.csv": HEAD + b"".join(b"%d,%d,w%d\n" % (n, n % 5, n) for n in range(40)),
    "utf16.csv": (HEAD + ROWS).decode().encode("utf-16"),
    "zeros.csv": bytes(64),
    "quotes.csv": HEAD + b'1,"2,a\n' + ROWS,
}

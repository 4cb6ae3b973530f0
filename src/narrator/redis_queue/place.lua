-- KEYS: books    ARGV: book, class
take_place(KEYS[1], ARGV[1], ARGV[2])

"""How programs of each language become files and commands: one file a language, found by being here."""

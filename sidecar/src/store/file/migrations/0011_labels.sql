-- Labels of a key: an object of texts. Keys of earlier versions have none.
ALTER TABLE keys ADD COLUMN labels TEXT NOT NULL DEFAULT '{}';

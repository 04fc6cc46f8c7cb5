-- Which file this database was when it was last opened, so that a copy finds out that it is one.

ALTER TABLE meta ADD COLUMN home TEXT; -- NULL: it was not opened since it was made

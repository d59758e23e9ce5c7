ALTER TABLE certificates RENAME COLUMN method TO source;

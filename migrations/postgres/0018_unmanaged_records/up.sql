-- The state of a DNS record that Holdfast does not manage has the name of the glossary.
UPDATE dns_records SET state = 'unmanaged' WHERE state = 'foreign';

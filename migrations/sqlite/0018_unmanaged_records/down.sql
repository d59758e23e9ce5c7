UPDATE dns_records SET state = 'foreign' WHERE state = 'unmanaged';

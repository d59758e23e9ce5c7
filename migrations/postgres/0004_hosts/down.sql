DROP TABLE host_files;
DROP TABLE hosts;

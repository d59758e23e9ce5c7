DROP TABLE IF EXISTS known_browsers;
DROP TABLE IF EXISTS sign_in_failures;

-- Whether services of the domain that require a sign-in receive the visitor's access token.
ALTER TABLE domains ADD COLUMN forwards_access_token BOOLEAN NOT NULL DEFAULT FALSE;

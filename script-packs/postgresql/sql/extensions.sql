-- Prints, for each extension of the dump (lines "name<TAB>schema"), in order: the version to create, and whether it is the one of the backup:
-- same, other, default (the backup does not say), missing; whether PostgreSQL trusts the extension; whether it takes no superuser to create
-- it; its name; who owned it; and its schema.
\set metadata `cat "$BACKUP_METADATA"`
\set extensions `cat "$BACKUP_DIRECTORY/extensions"`
WITH extension AS (
    SELECT split_part(line, E'\t', 1) AS name, split_part(line, E'\t', 2) AS schema, position
    FROM unnest(string_to_array(:'extensions', E'\n')) WITH ORDINALITY AS lines (line, position) WHERE line <> ''
),
wanted AS (
    SELECT e ->> 'name' AS name, min(e ->> 'version') AS version, min(e ->> 'owner') AS owner
    FROM jsonb_array_elements(coalesce(:'metadata'::jsonb -> 'extensions', '[]')) e GROUP BY 1
),
available AS (
    SELECT name, array_agg(version) AS versions, bool_or(trusted) AS is_trusted, bool_or(trusted OR NOT superuser) AS is_ordinary
    FROM pg_available_extension_versions GROUP BY name
)
SELECT CASE WHEN wanted.version = ANY (available.versions) THEN wanted.version ELSE coalesce(a.default_version, '-') END,
    CASE WHEN a.name IS NULL THEN 'missing' WHEN wanted.version IS NULL THEN 'default' WHEN wanted.version = ANY (available.versions) THEN 'same' ELSE 'other' END,
    coalesce(available.is_trusted, false), coalesce(available.is_ordinary, false), extension.name,
    CASE WHEN wanted.owner ~ '^[^[:cntrl:]]+$' THEN wanted.owner ELSE '-' END, extension.schema
FROM extension LEFT JOIN pg_available_extensions a ON a.name = extension.name LEFT JOIN available ON available.name = extension.name
    LEFT JOIN wanted ON wanted.name = extension.name
ORDER BY extension.position;

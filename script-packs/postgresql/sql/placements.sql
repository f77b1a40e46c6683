-- Grants to each owner of objects, or revokes from it, the right to create in the schemas of others in which it has objects, and in the
-- database; to :everywhere, if that is a role, in all schemas. Without metadata, that is every schema. :verb and :preposition are GRANT and TO, or REVOKE and FROM.
\set metadata `cat "$BACKUP_METADATA"`
WITH tenant AS (SELECT name FROM unnest(string_to_array(:'tenants', E'\n')) AS name JOIN pg_roles ON rolname = name),
placement AS (
    SELECT p ->> 'schema' AS schema, p ->> 'role' AS role FROM jsonb_array_elements(:'metadata'::jsonb -> 'placements') p
    -- To whom goes what had another owner: that may be anywhere.
    UNION SELECT nspname, :'everywhere' FROM pg_namespace WHERE oid >= 16384 OR nspname = 'public'
    UNION SELECT nspname, name FROM pg_namespace, tenant WHERE :'metadata'::jsonb -> 'placements' IS NULL AND (oid >= 16384 OR nspname = 'public')
)
SELECT format('%s CREATE ON SCHEMA %I %s %I', :'verb', n.nspname, :'preposition', t.name)
FROM placement p JOIN tenant t ON t.name = p.role JOIN pg_namespace n ON n.nspname = p.schema
WHERE pg_get_userbyid(n.nspowner) <> t.name AND pg_has_role(n.nspowner, 'USAGE')
UNION ALL
SELECT format('%s CREATE ON DATABASE %I %s %I', :'verb', current_database(), :'preposition', name) FROM tenant, pg_database d
WHERE d.datname = current_database() AND pg_get_userbyid(d.datdba) <> name
\gexec

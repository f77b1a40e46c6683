-- Creates the empty database :name for the content of :target: with the encoding and locale of the database that is there, or of the
-- one that was dumped, if there is none or its encoding is another.
\set metadata `cat "$BACKUP_METADATA"`
SELECT set_config('log_statement', 'none', false) WHERE (SELECT rolsuper FROM pg_roles WHERE rolname = current_user);
WITH dumped AS (SELECT (:'metadata'::jsonb -> 'database') AS d),
there AS (
    SELECT jsonb_build_object('encoding', pg_encoding_to_char(encoding), 'collate', datcollate, 'ctype', datctype,
        'provider', coalesce(to_jsonb(p) ->> 'datlocprovider', 'c'), 'locale', coalesce(to_jsonb(p) ->> 'datlocale', to_jsonb(p) ->> 'daticulocale'),
        'icuRules', to_jsonb(p) ->> 'daticurules') AS d
    FROM pg_database p WHERE datname = :'target'
),
chosen AS (
    SELECT CASE WHEN there.d IS NULL OR dumped.d IS NOT NULL AND there.d ->> 'encoding' <> dumped.d ->> 'encoding' THEN dumped.d ELSE there.d END AS d
    FROM dumped LEFT JOIN there ON true
)
SELECT format('CREATE DATABASE %I TEMPLATE template0 OWNER %I', :'name', :'owner')
    || CASE WHEN d IS NULL THEN '' ELSE format(' ENCODING %L', d ->> 'encoding') END
    || CASE WHEN d IS NULL OR :'with_locale' = 'false' THEN '' ELSE
        format(' LC_COLLATE %L LC_CTYPE %L', d ->> 'collate', d ->> 'ctype')
        || CASE WHEN current_setting('server_version_num')::int < 150000 THEN ''
            WHEN d ->> 'provider' = 'i' THEN format(' LOCALE_PROVIDER icu ICU_LOCALE %L', d ->> 'locale')
                || CASE WHEN d ->> 'icuRules' IS NOT NULL THEN format(' ICU_RULES %L', d ->> 'icuRules') ELSE '' END
            WHEN d ->> 'provider' = 'b' AND current_setting('server_version_num')::int >= 170000
                THEN format(' LOCALE_PROVIDER builtin BUILTIN_LOCALE %L', d ->> 'locale')
            WHEN d ->> 'provider' = 'c' THEN ' LOCALE_PROVIDER libc' ELSE '' END END
FROM chosen \gexec
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', :'name') \gexec
SELECT format('COMMENT ON DATABASE %I IS %L', :'name',
    'osb-backup: '::text || jsonb_build_object('restoring', :'target', 'job', :'job', 'since', now())) \gexec

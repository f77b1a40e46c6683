-- Ends the sessions in the database with the oid :target again and again, for five seconds, as far as the current account may. By oid,
-- not by name: this goes on when psql is killed, and another database may have the name by then.
SELECT set_config('osb_backup.target', :'target', false) \g /dev/null
DO $end$
BEGIN
    FOR attempt IN 1..50 LOOP
        PERFORM pg_stat_clear_snapshot();
        PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datid = current_setting('osb_backup.target')::oid AND pid <> pg_backend_pid() AND backend_type = 'client backend'
                AND ((SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
                    OR (pg_has_role(usesysid, 'USAGE') OR pg_has_role('pg_signal_backend', 'USAGE')) AND NOT (SELECT rolsuper FROM pg_roles r WHERE r.oid = usesysid));
        PERFORM pg_sleep(0.1);
    END LOOP;
END
$end$;

-- PostgreSQL runs this once, when its volume is empty. Two roles, so that the processes which strangers reach can't
-- change the schema: `rugcourse_owner` owns the tables and runs the migrations, `rugcourse` reads and writes rows.
CREATE ROLE rugcourse_owner LOGIN;
CREATE ROLE rugcourse LOGIN;

DO $$
DECLARE
    one record;
BEGIN
    FOR one IN VALUES
        ('rugcourse_owner', '/run/secrets/database_owner_password'),
        ('rugcourse', '/run/secrets/database_password')
    LOOP
        EXECUTE format('ALTER ROLE %I PASSWORD %L', one.column1, rtrim(pg_read_file(one.column2), E'\r\n'));
    END LOOP;
    EXECUTE format('ALTER DATABASE %I OWNER TO rugcourse_owner', current_database());
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO rugcourse', current_database());
END $$;

ALTER SCHEMA public OWNER TO rugcourse_owner;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO rugcourse;
ALTER DEFAULT PRIVILEGES FOR ROLE rugcourse_owner IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO rugcourse;
ALTER DEFAULT PRIVILEGES FOR ROLE rugcourse_owner IN SCHEMA public
    GRANT USAGE, SELECT ON SEQUENCES TO rugcourse;

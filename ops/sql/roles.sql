-- The three roles, on a PostgreSQL of your own (as its superuser). The embedded server does the same by itself.
-- psql -v owner_password=... -v app_password=... -v read_password=... -f roles.sql
CREATE ROLE dcmm_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD :'owner_password';
CREATE ROLE dcmm_app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD :'app_password';
CREATE ROLE dcmm_read LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD :'read_password';
ALTER ROLE dcmm_app SET statement_timeout = '15s';
ALTER ROLE dcmm_app SET lock_timeout = '10s';
ALTER ROLE dcmm_app SET idle_in_transaction_session_timeout = '30s';
ALTER ROLE dcmm_read SET statement_timeout = '15s';
CREATE DATABASE dcmm OWNER dcmm_owner;
\connect dcmm
ALTER SCHEMA public OWNER TO dcmm_owner;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO dcmm_app, dcmm_read;
REVOKE ALL ON DATABASE dcmm FROM PUBLIC;
GRANT CONNECT ON DATABASE dcmm TO dcmm_app, dcmm_read;

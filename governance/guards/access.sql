-- What is used or revoked stays so, and a code's step only rises: whoever writes past the portal cannot make one good again.

CREATE FUNCTION access_set_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF to_jsonb(OLD) ->> TG_ARGV[0] IS NOT NULL
       AND to_jsonb(NEW) ->> TG_ARGV[0] IS DISTINCT FROM to_jsonb(OLD) ->> TG_ARGV[0] THEN
        RAISE EXCEPTION '%.% is set once', TG_TABLE_NAME, TG_ARGV[0] USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION access_step_rises() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.last_step < OLD.last_step THEN
        RAISE EXCEPTION 'totp_devices.last_step only rises' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER totp_devices_step_rises BEFORE UPDATE ON totp_devices FOR EACH ROW EXECUTE FUNCTION access_step_rises();
CREATE TRIGGER recovery_codes_used_once BEFORE UPDATE ON recovery_codes FOR EACH ROW EXECUTE FUNCTION access_set_once('used_at');
CREATE TRIGGER step_up_proofs_used_once BEFORE UPDATE ON step_up_proofs FOR EACH ROW EXECUTE FUNCTION access_set_once('used_at');
CREATE TRIGGER step_up_proofs_proof_once BEFORE UPDATE ON step_up_proofs FOR EACH ROW EXECUTE FUNCTION access_set_once('proof_hash');
CREATE TRIGGER sign_in_links_used_once BEFORE UPDATE ON sign_in_links FOR EACH ROW EXECUTE FUNCTION access_set_once('used_at');
CREATE TRIGGER security_keys_revoked_once BEFORE UPDATE ON security_keys FOR EACH ROW EXECUTE FUNCTION access_set_once('revoked_at');
CREATE TRIGGER api_tokens_revoked_once BEFORE UPDATE ON api_tokens FOR EACH ROW EXECUTE FUNCTION access_set_once('revoked_at');

-- An address belongs to one account: two links used at the same time make one.
CREATE UNIQUE INDEX users_email_once ON users (lower(email)) WHERE email <> '';

-- Who gets or loses a second factor votes on nothing that was proposed before: a factor put in for somebody approves nothing that
-- waits.
CREATE FUNCTION governance.credentials_follow() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    UPDATE users SET credentials_changed_at = governance.now()
    WHERE id = CASE WHEN TG_OP = 'DELETE' THEN OLD.person_id ELSE NEW.person_id END;
    RETURN NULL;
END $$;
CREATE TRIGGER totp_devices_followed AFTER INSERT OR DELETE ON totp_devices
    FOR EACH ROW EXECUTE FUNCTION governance.credentials_follow();
CREATE TRIGGER security_keys_followed AFTER INSERT OR UPDATE OF revoked_at ON security_keys
    FOR EACH ROW EXECUTE FUNCTION governance.credentials_follow();

-- A token is issued as an approved proposal says, once, without a secret; what it may do never changes.
CREATE FUNCTION governance.guard_tokens() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    at timestamptz := governance.now();
    moves CONSTANT text[] := ARRAY['secret_hash', 'last_used_at', 'revoked_at', 'revoked_by_name'];
    p proposals;
BEGIN
    IF TG_OP = 'DELETE' THEN
        PERFORM governance.refuse('a token is revoked, never deleted');
    END IF;
    IF TG_OP = 'UPDATE' THEN
        IF to_jsonb(NEW) - moves <> to_jsonb(OLD) - moves THEN
            PERFORM governance.refuse('what a token may do does not change');
        END IF;
        IF NEW.secret_hash <> OLD.secret_hash AND OLD.secret_hash <> '' THEN
            PERFORM governance.refuse('a token is fetched once');
        END IF;
        RETURN NEW;
    END IF;
    IF NEW.secret_hash <> '' OR NEW.revoked_at IS NOT NULL OR NEW.last_used_at IS NOT NULL THEN
        PERFORM governance.refuse('a token begins without a secret');
    END IF;
    NEW.created_at := at;
    IF governance.genesis_is_open() AND NEW.authorised_by = 'genesis' THEN
        RETURN NEW;
    END IF;
    p := governance.demand(NEW.authorised_by, 'token', 'strictest');
    IF p.subject <> 'token:' || (SELECT username FROM users WHERE id = NEW.person_id)
       OR p.change ->> 'name' IS DISTINCT FROM NEW.name OR p.change -> 'roles' IS DISTINCT FROM NEW.roles
       OR NEW.expires_at > at + make_interval(days => least((p.change ->> 'days')::integer, 366), mins => 1)
       OR EXISTS (SELECT 1 FROM api_tokens t WHERE t.authorised_by = NEW.authorised_by) THEN
        PERFORM governance.refuse(format('proposal %s allows another token, or has allowed one', p.id));
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER api_tokens_guard BEFORE INSERT OR UPDATE OR DELETE ON api_tokens
    FOR EACH ROW EXECUTE FUNCTION governance.guard_tokens();

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['totp_devices', 'security_keys', 'api_tokens'] LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION governance.refuse_change()',
                       name || '_stays', name);
    END LOOP;
END $$;

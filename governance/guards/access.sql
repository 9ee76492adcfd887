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

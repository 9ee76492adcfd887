-- What only two people may end, the database lets end only with a request that another person confirmed.

-- A request is asked pending and decided once; what was asked never changes, and nothing is deleted.
CREATE FUNCTION resume_request_decided_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.outcome <> 'PENDING' THEN
            RAISE EXCEPTION 'a request to resume begins pending' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF OLD.outcome <> 'PENDING' THEN
        RAISE EXCEPTION 'request % to resume is already decided', OLD.id USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF (to_jsonb(NEW) - ARRAY['outcome', 'decided_by_id', 'decided_by_name', 'decided_at', 'decision_reason'])
       <> (to_jsonb(OLD) - ARRAY['outcome', 'decided_by_id', 'decided_by_name', 'decided_at', 'decision_reason']) THEN
        RAISE EXCEPTION 'request % to resume: what was asked does not change', OLD.id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER resume_requests_decided_once BEFORE INSERT OR UPDATE ON resume_requests
    FOR EACH ROW EXECUTE FUNCTION resume_request_decided_once();
CREATE TRIGGER resume_requests_no_delete BEFORE DELETE ON resume_requests
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER resume_requests_no_truncate BEFORE TRUNCATE ON resume_requests
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- HALTED ends by a confirmed request about exactly this version of the control.
CREATE FUNCTION control_unkilled_by_two() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state = 'HALTED' AND NEW.state <> 'HALTED' AND NOT EXISTS (
        SELECT 1 FROM resume_requests
        WHERE scope = OLD.scope AND rule = 'kill' AND control_version = OLD.version AND outcome = 'CONFIRMED'
    ) THEN
        RAISE EXCEPTION 'control of % is halted: two people must lift a kill', OLD.scope
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER trading_controls_unkilled_by_two BEFORE UPDATE ON trading_controls
    FOR EACH ROW EXECUTE FUNCTION control_unkilled_by_two();

-- A lock may become stricter; it ends by its own time, by one person where its rule allows that (the list of
-- trading/controls/rule_locks.py), else by a confirmed request about this very lock. A lifted one does not change.
CREATE FUNCTION lock_lifted_by_two() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    strictness CONSTANT text[] := ARRAY['ACTIVE', 'REDUCING', 'PAUSED', 'HALTED'];
BEGIN
    IF OLD.lifted_at IS NOT NULL OR (NEW.scope, NEW.rule) IS DISTINCT FROM (OLD.scope, OLD.rule) THEN
        RAISE EXCEPTION 'lock % of % does not change like this', OLD.rule, OLD.scope
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF OLD.rule IN ('person', 'breaker')
       OR (NEW.lifted_at IS NOT NULL AND OLD.until <= NEW.lifted_at)
       OR (NEW.lifted_at IS NULL AND NEW.until IS NOT DISTINCT FROM OLD.until
           AND array_position(strictness, NEW.state::text) >= array_position(strictness, OLD.state::text))
       OR (NEW.lifted_at IS NOT NULL
           AND EXISTS (SELECT 1 FROM resume_requests WHERE lock_id = OLD.id AND outcome = 'CONFIRMED')) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'lock % of %: two people must lift it', OLD.rule, OLD.scope USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER locks_lifted_by_two BEFORE UPDATE ON locks FOR EACH ROW EXECUTE FUNCTION lock_lifted_by_two();

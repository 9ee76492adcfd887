-- What only two people may end, the database lets end only where the row names what authorised it. Whether that is an approved
-- proposal about exactly this is asked by the guards of the room that keeps proposals.

-- Requests of the way before are a history: those that still waited lapse, and nothing is written any more.
UPDATE resume_requests
SET outcome = 'LAPSED', decided_by_id = 'time', decided_by_name = 'time', decided_at = clock_timestamp(),
    decision_reason = 'requests are proposals now: ask again'
WHERE outcome = 'PENDING';
DROP TRIGGER resume_requests_decided_once ON resume_requests;
DROP FUNCTION resume_request_decided_once();
CREATE TRIGGER resume_requests_closed BEFORE INSERT OR UPDATE ON resume_requests
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE OR REPLACE FUNCTION control_unkilled_by_two() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state = 'HALTED' AND NEW.state <> 'HALTED' AND NEW.authorised_by NOT LIKE 'proposal:%' THEN
        RAISE EXCEPTION 'control of % is halted: two people must lift a kill', OLD.scope
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;

-- A lock may become stricter; it ends by its own time, by one person where its rule allows that (the list of
-- trading/controls/rule_locks.py), else by what two people allowed. A lifted one does not change.
CREATE OR REPLACE FUNCTION lock_lifted_by_two() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    strictness CONSTANT text[] := ARRAY['ACTIVE', 'REDUCING', 'PAUSED', 'HALTED'];
BEGIN
    IF OLD.lifted_at IS NOT NULL OR (NEW.id, NEW.scope, NEW.rule) IS DISTINCT FROM (OLD.id, OLD.scope, OLD.rule) THEN
        RAISE EXCEPTION 'lock % of % does not change like this', OLD.rule, OLD.scope
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF OLD.rule IN ('person', 'breaker')
       OR (NEW.lifted_at IS NOT NULL AND (OLD.until <= NEW.lifted_at OR NEW.authorised_by LIKE 'proposal:%'))
       OR (NEW.lifted_at IS NULL AND NEW.until IS NOT DISTINCT FROM OLD.until
           AND array_position(strictness, NEW.state::text) >= array_position(strictness, OLD.state::text)) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'lock % of %: two people must lift it', OLD.rule, OLD.scope USING ERRCODE = 'integrity_constraint_violation';
END $$;

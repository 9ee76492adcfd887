-- The end of a kill, and of a lock whose rule one person may not lift: only as an approved proposal of kind control says, about
-- exactly what stands, in the transaction that applies it. The last column of the row names it.

-- The scope of a control while a reducing change of one of its markets is overdue for review: nothing of it is loosened.
CREATE FUNCTION governance.refuse_while_overdue(the_scope text) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM proposals o
               WHERE o.kind = 'parameters' AND o.state = 'APPLIED' AND o.review_due_at < governance.now() AND o.reviewed_at IS NULL
                 AND (the_scope = 'desk' OR o.change -> 'markets' ? the_scope)) THEN
        PERFORM governance.refuse(format('%s: a reducing change is overdue for review; nothing is loosened before', the_scope));
    END IF;
END $$;

-- Raises unless `the_authority` may end what `stands` of that rule on that scope, and has not ended anything yet.
CREATE FUNCTION governance.demand_end(the_authority text, the_scope text, the_rule text, stands jsonb) RETURNS void LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    p proposals := governance.demand(the_authority, 'control', 'increasing');
    named CONSTANT text := 'control:' || the_scope;
BEGIN
    IF p.state <> 'APPROVED' THEN
        PERFORM governance.refuse(format('proposal %s is applied: it ends nothing more', p.id));
    END IF;
    IF p.change IS DISTINCT FROM jsonb_build_object('scope', the_scope, 'rule', the_rule)
       OR p.subject <> named || ':' || the_rule THEN
        PERFORM governance.refuse(format('proposal %s ends something else', p.id));
    END IF;
    IF (p.base -> named @> stands) IS NOT TRUE THEN
        PERFORM governance.refuse(format('proposal %s: what it ends has been changed since', p.id));
    END IF;
    PERFORM governance.refuse_while_overdue(the_scope);
END $$;

CREATE FUNCTION governance.guard_kill_end() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    strictness CONSTANT text[] := ARRAY['ACTIVE', 'REDUCING', 'PAUSED', 'HALTED'];
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.state = 'HALTED' AND NEW.state <> 'HALTED' THEN
        IF NEW.state <> 'ACTIVE' THEN
            PERFORM governance.refuse('a kill ends as active: what is stricter is set afterwards');
        END IF;
        PERFORM governance.demand_end(NEW.authorised_by, OLD.scope, 'kill',
                                      jsonb_build_object('version', OLD.version, 'state', OLD.state, 'lock', 0));
        RETURN NEW;
    END IF;
    IF NEW.authorised_by <> '' AND (TG_OP = 'INSERT' OR NEW.authorised_by <> OLD.authorised_by) THEN
        PERFORM governance.refuse('only the end of a kill names what allowed it');
    END IF;
    IF TG_OP = 'UPDATE' AND array_position(strictness, NEW.state::text) < array_position(strictness, OLD.state::text) THEN
        PERFORM governance.refuse_while_overdue(OLD.scope);
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER trading_controls_kill_ends BEFORE INSERT OR UPDATE ON trading_controls
    FOR EACH ROW EXECUTE FUNCTION governance.guard_kill_end();

CREATE FUNCTION governance.guard_lock_end() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    -- The list of trading/controls/rule_locks.py. What runs out does so by the database's clock.
    IF TG_OP = 'UPDATE' AND OLD.rule NOT IN ('person', 'breaker') AND OLD.lifted_at IS NULL AND NEW.lifted_at IS NOT NULL
       AND (OLD.until > governance.now()) IS NOT FALSE THEN
        PERFORM governance.demand_end(
            NEW.authorised_by, OLD.scope, OLD.rule,
            jsonb_build_object('version', (SELECT version FROM trading_controls WHERE scope = OLD.scope),
                               'state', OLD.state, 'lock', OLD.id));
    ELSIF NEW.authorised_by <> '' AND (TG_OP = 'INSERT' OR NEW.authorised_by <> OLD.authorised_by) THEN
        PERFORM governance.refuse('only a lock that two people lift names what allowed it');
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER locks_two_people_end BEFORE INSERT OR UPDATE ON locks
    FOR EACH ROW EXECUTE FUNCTION governance.guard_lock_end();

-- By the end of the transaction the proposal says that it is applied, so that it is used once; and what says so has ended something.
CREATE FUNCTION governance.end_is_applied() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NEW.authorised_by <> '' AND NOT EXISTS (
        SELECT 1 FROM proposals p WHERE p.id = split_part(NEW.authorised_by, ':', 2)::bigint AND p.state = 'APPLIED') THEN
        PERFORM governance.refuse(format('%s has ended something and does not say that it is applied', NEW.authorised_by));
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER trading_controls_end_is_applied AFTER UPDATE ON trading_controls
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.authorised_by IS DISTINCT FROM OLD.authorised_by)
    EXECUTE FUNCTION governance.end_is_applied();
CREATE CONSTRAINT TRIGGER locks_end_is_applied AFTER UPDATE ON locks
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.authorised_by IS DISTINCT FROM OLD.authorised_by)
    EXECUTE FUNCTION governance.end_is_applied();

CREATE FUNCTION governance.applied_ended_it() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM trading_controls c WHERE c.authorised_by = 'proposal:' || NEW.id)
       AND NOT EXISTS (SELECT 1 FROM locks l WHERE l.authorised_by = 'proposal:' || NEW.id) THEN
        PERFORM governance.refuse(format('proposal %s says it is applied, and nothing was ended by it', NEW.id));
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER proposals_applied_ended_it AFTER UPDATE OF state ON proposals
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (NEW.state = 'APPLIED' AND NEW.kind = 'control' AND NOT NEW.is_demo)
    EXECUTE FUNCTION governance.applied_ended_it();

-- Who asks to end something asks about now: it is decided within half an hour (governance/review/drafting.py), or asked again.
-- Fires after proposals_guard, by its name.
CREATE FUNCTION governance.ends_are_decided_soon() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    NEW.valid_until := least(NEW.valid_until, governance.now() + interval '30 minutes');
    RETURN NEW;
END $$;
CREATE TRIGGER proposals_guard_of_ends BEFORE UPDATE OF state ON proposals FOR EACH ROW
    WHEN (NEW.kind = 'control' AND NEW.state = 'IN_REVIEW' AND OLD.state <> 'IN_REVIEW' AND NOT NEW.is_demo)
    EXECUTE FUNCTION governance.ends_are_decided_soon();

-- Requests of the way before are a history that nobody writes (trading/sql/ended_by_authority.sql).
DROP TRIGGER resume_requests_guard ON resume_requests;
DROP FUNCTION governance.guard_resumes();

-- What the first guards left open: a guardian without their membership, and times that the application's clock wrote.

-- Whoever loses a membership, however it was taken, votes on nothing that was proposed before: a guardian must not become a voter
-- by the deletion of the one row that says so.
CREATE FUNCTION governance.memberships_follow() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    UPDATE users SET roles_changed_at = governance.now() WHERE id = OLD.user_id;
    RETURN NULL;
END $$;
CREATE TRIGGER users_groups_followed AFTER DELETE ON users_groups
    FOR EACH ROW EXECUTE FUNCTION governance.memberships_follow();

-- As before, and a guardian is also who holds an open grant of that role, whatever their memberships are.
CREATE OR REPLACE FUNCTION governance.may_vote(the_person bigint, since timestamptz, the_roles text[]) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT EXISTS (
        SELECT 1 FROM users u
        WHERE u.id = the_person AND u.is_active AND u.date_joined <= since
          AND (u.credentials_changed_at IS NULL OR u.credentials_changed_at <= since)
          AND (u.roles_changed_at IS NULL OR u.roles_changed_at <= since)
          AND (u.activated_at IS NULL OR u.activated_at <= since)
          AND EXISTS (SELECT 1 FROM users_groups m JOIN auth_group g ON g.id = m.group_id
                      WHERE m.user_id = u.id AND g.name = ANY (the_roles))
          AND NOT EXISTS (SELECT 1 FROM users_groups m JOIN auth_group g ON g.id = m.group_id
                          WHERE m.user_id = u.id AND g.name = 'compliance')
          AND NOT EXISTS (SELECT 1 FROM role_grants r
                          WHERE r.user_id = u.id AND r.role = 'compliance' AND r.revoked_at IS NULL)
    )
$$;

-- A request to resume is good for half an hour by the database's clock: one asked or confirmed by a clock that was put back is not.
CREATE OR REPLACE FUNCTION governance.guard_resumes() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    at timestamptz := governance.now();
BEGIN
    IF governance.genesis_is_open() THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'INSERT' AND NEW.expires_at > at + interval '31 minutes' THEN
        PERFORM governance.refuse('a request to resume is good for half an hour');
    END IF;
    IF NEW.outcome = 'CONFIRMED' THEN
        IF NEW.asked_by_id = NEW.decided_by_id OR NOT governance.is_member(NEW.asked_by_id, 'operator')
           OR NOT governance.is_member(NEW.decided_by_id, 'approver') THEN
            PERFORM governance.refuse('an operator asks to resume, and an approver confirms');
        END IF;
        IF at >= NEW.expires_at THEN
            PERFORM governance.refuse('this request to resume is over');
        END IF;
    END IF;
    RETURN NEW;
END $$;

-- A lock that only two people end also ends by its own time: by the database's clock, not by a date that somebody writes.
CREATE FUNCTION governance.guard_lock_ends() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT governance.genesis_is_open() AND OLD.rule NOT IN ('person', 'breaker')
       AND OLD.lifted_at IS NULL AND NEW.lifted_at IS NOT NULL AND coalesce(OLD.until, 'infinity') > governance.now()
       AND NOT EXISTS (SELECT 1 FROM resume_requests r WHERE r.lock_id = OLD.id AND r.outcome = 'CONFIRMED') THEN
        PERFORM governance.refuse(format('lock %s of %s: two people must lift it, or its time must be over', OLD.rule, OLD.scope));
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER locks_ends_guard BEFORE UPDATE ON locks FOR EACH ROW EXECUTE FUNCTION governance.guard_lock_ends();

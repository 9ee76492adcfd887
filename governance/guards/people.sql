-- The times that decide who may vote are written here and nowhere else.
CREATE FUNCTION governance.guard_users() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    at timestamptz := governance.now();
BEGIN
    IF TG_OP = 'DELETE' THEN
        PERFORM governance.refuse('a person is closed, never deleted');
    END IF;
    IF TG_OP = 'INSERT' THEN
        NEW.date_joined := at;
        NEW.credentials_changed_at := at;
        NEW.roles_changed_at := NULL;
        NEW.activated_at := at;
        RETURN NEW;
    END IF;
    NEW.date_joined := OLD.date_joined;
    IF NEW.username <> OLD.username OR NEW.id <> OLD.id THEN
        PERFORM governance.refuse('a person keeps their name: votes and grants are told by it');
    END IF;
    IF pg_trigger_depth() < 2 THEN
        NEW.credentials_changed_at := CASE WHEN NEW.password <> OLD.password THEN at ELSE OLD.credentials_changed_at END;
        NEW.roles_changed_at := OLD.roles_changed_at;
    END IF;
    IF NEW.is_active AND NOT OLD.is_active AND NOT governance.genesis_is_open() AND NOT EXISTS (
        SELECT 1 FROM proposals p
        WHERE p.kind = 'credentials' AND p.subject = 'credentials:' || NEW.username AND p.state = 'APPROVED'
          AND p.change ->> 'what' = 'open' AND (governance.demand('proposal:' || p.id, 'credentials', 'strictest')).id = p.id) THEN
        PERFORM governance.refuse('a closed account is opened by an approved proposal');
    END IF;
    NEW.activated_at := CASE WHEN NEW.is_active AND NOT OLD.is_active THEN at ELSE OLD.activated_at END;
    RETURN NEW;
END $$;
CREATE TRIGGER users_guard BEFORE INSERT OR UPDATE OR DELETE ON users FOR EACH ROW EXECUTE FUNCTION governance.guard_users();

-- A role is given by an approved proposal and ended once.
CREATE FUNCTION governance.guard_role_grants() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    p proposals;
BEGIN
    IF TG_OP = 'DELETE' THEN
        PERFORM governance.refuse('a grant of a role is ended, never deleted');
    END IF;
    IF TG_OP = 'UPDATE' THEN
        IF OLD.revoked_at IS NOT NULL OR NEW.revoked_at IS NULL
           OR to_jsonb(NEW) - ARRAY['revoked_at', 'revoked_by_name'] <> to_jsonb(OLD) - ARRAY['revoked_at', 'revoked_by_name'] THEN
            PERFORM governance.refuse('a grant of a role is ended once, and changes in nothing else');
        END IF;
        NEW.revoked_at := governance.now();
        RETURN NEW;
    END IF;
    IF NEW.revoked_at IS NOT NULL THEN
        PERFORM governance.refuse('a grant of a role begins open');
    END IF;
    NEW.granted_at := governance.now();
    IF governance.genesis_is_open() AND NEW.authorised_by = 'genesis' THEN
        RETURN NEW;
    END IF;
    -- What an investor may do is nobody's risk: they open their account themselves.
    IF NEW.role = 'investor' THEN
        RETURN NEW;
    END IF;
    p := governance.demand(NEW.authorised_by, 'role_grant', 'strictest');
    IF p.subject <> 'role:' || (SELECT username FROM users WHERE id = NEW.user_id) || ':' || NEW.role
       OR p.change ->> 'action' IS DISTINCT FROM 'grant'
       OR EXISTS (SELECT 1 FROM role_grants g WHERE g.authorised_by = NEW.authorised_by) THEN
        PERFORM governance.refuse(format('proposal %s gives another role, or has given it', p.id));
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER role_grants_guard BEFORE INSERT OR UPDATE OR DELETE ON role_grants
    FOR EACH ROW EXECUTE FUNCTION governance.guard_role_grants();

-- The membership follows the end of its grant at once, and the person's time of change follows both.
CREATE FUNCTION governance.roles_follow() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        DELETE FROM users_groups m USING auth_group g
        WHERE m.user_id = NEW.user_id AND g.id = m.group_id AND g.name = NEW.role;
    END IF;
    UPDATE users SET roles_changed_at = governance.now() WHERE id = NEW.user_id;
    RETURN NULL;
END $$;
CREATE TRIGGER role_grants_followed AFTER INSERT OR UPDATE ON role_grants
    FOR EACH ROW EXECUTE FUNCTION governance.roles_follow();

CREATE FUNCTION governance.guard_memberships() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        PERFORM governance.refuse('a membership is given or taken, never changed');
    END IF;
    IF governance.genesis_is_open() OR EXISTS (
        SELECT 1 FROM role_grants r JOIN auth_group g ON g.name = r.role
        WHERE r.user_id = NEW.user_id AND g.id = NEW.group_id AND r.revoked_at IS NULL) THEN
        RETURN NEW;
    END IF;
    PERFORM governance.refuse('nobody granted this role');
    RETURN NULL;
END $$;
CREATE TRIGGER users_groups_guard BEFORE INSERT OR UPDATE ON users_groups
    FOR EACH ROW EXECUTE FUNCTION governance.guard_memberships();

-- The rules of review obey the rules of review.
CREATE FUNCTION governance.guard_policies() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    p proposals;
BEGIN
    IF NEW.version <> coalesce((SELECT max(version) FROM review_policies), 0) + 1 THEN
        PERFORM governance.refuse('versions of the review policy follow each other');
    END IF;
    NEW.applied_at := governance.now();
    IF governance.genesis_is_open() AND NEW.authorised_by = 'genesis' THEN
        RETURN NEW;
    END IF;
    p := governance.demand(NEW.authorised_by, 'policy', 'strictest');
    IF p.change -> 'body' IS DISTINCT FROM NEW.body
       OR (p.base -> 'policy' ->> 'version')::bigint IS DISTINCT FROM NEW.version - 1 THEN
        PERFORM governance.refuse(format('proposal %s says other rules, or is about another version', p.id));
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER review_policies_guard BEFORE INSERT ON review_policies FOR EACH ROW EXECUTE FUNCTION governance.guard_policies();

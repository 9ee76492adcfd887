-- What the first guards left open: a guardian without their membership.

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

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

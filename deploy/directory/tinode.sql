-- The two statements of PUSHWORKER_DIRECTORY_QUERIES for the PostgreSQL database of
-- Tinode v0.25 (docs/directory.md). Set PUSHWORKER_DIRECTORY_UID_KEY to Tinode's
-- uid_key. For HMS or another provider replace 'fcm'.
--
-- Tinode makes no index for the first one:
--   CREATE INDEX CONCURRENTLY devices_userid ON devices (userid);
-- and the user of pushworker needs no more than
--   GRANT SELECT, DELETE ON devices TO pushworker;

-- name: devices
SELECT userid AS "user", deviceid AS id, 'fcm' AS provider, deviceid AS token,
       platform, lang, lastseen AS registered
FROM devices
WHERE userid = ANY (@users);

-- name: gone
DELETE FROM devices
WHERE userid = @user AND deviceid = @token AND lastseen <= @as_of;

-- +goose Up
-- create "idm_clients" table
CREATE TABLE `idm_clients` (`id` text NOT NULL, `kind` text NOT NULL, `name` text NOT NULL, `redirect_uris` json NOT NULL, `key_hash` text NOT NULL, `created_at` integer NOT NULL, PRIMARY KEY (`id`));
-- create "idm_groups" table
CREATE TABLE `idm_groups` (`id` text NOT NULL, `client_id` text NOT NULL, `organization_id` text NOT NULL, `deleted` bool NOT NULL, PRIMARY KEY (`id`));
-- create index "idm_groups_client" to table: "idm_groups"
CREATE INDEX `idm_groups_client` ON `idm_groups` (`client_id`, `organization_id`);
-- create index "idm_groups_organization" to table: "idm_groups"
CREATE INDEX `idm_groups_organization` ON `idm_groups` (`organization_id`);
-- create "idm_memberships" table
CREATE TABLE `idm_memberships` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `user_id` text NOT NULL, `organization_id` text NOT NULL, `role` text NOT NULL);
-- create index "idm_memberships_user" to table: "idm_memberships"
CREATE UNIQUE INDEX `idm_memberships_user` ON `idm_memberships` (`user_id`, `organization_id`);
-- create index "idm_memberships_organization" to table: "idm_memberships"
CREATE INDEX `idm_memberships_organization` ON `idm_memberships` (`organization_id`, `role`);
-- create "idm_oidc_keys" table
CREATE TABLE `idm_oidc_keys` (`id` text NOT NULL, `private_key` blob NOT NULL, `created_at` integer NOT NULL, PRIMARY KEY (`id`));
-- create "idm_oidc_requests" table
CREATE TABLE `idm_oidc_requests` (`id` text NOT NULL, `code_hash` text NOT NULL, `used` bool NOT NULL, `data` blob NOT NULL, `expires_at` integer NOT NULL, PRIMARY KEY (`id`));
-- create index "idm_oidc_requests_code" to table: "idm_oidc_requests"
CREATE INDEX `idm_oidc_requests_code` ON `idm_oidc_requests` (`code_hash`);
-- create index "idm_oidc_requests_expiry" to table: "idm_oidc_requests"
CREATE INDEX `idm_oidc_requests_expiry` ON `idm_oidc_requests` (`expires_at`);
-- create "idm_oidc_tokens" table
CREATE TABLE `idm_oidc_tokens` (`hash` text NOT NULL, `family` text NOT NULL, `user_id` text NOT NULL, `client_id` text NOT NULL, `used` bool NOT NULL, `data` blob NOT NULL, `expires_at` integer NOT NULL, PRIMARY KEY (`hash`));
-- create index "idm_oidc_tokens_family" to table: "idm_oidc_tokens"
CREATE INDEX `idm_oidc_tokens_family` ON `idm_oidc_tokens` (`family`);
-- create index "idm_oidc_tokens_user" to table: "idm_oidc_tokens"
CREATE INDEX `idm_oidc_tokens_user` ON `idm_oidc_tokens` (`user_id`, `client_id`);
-- create index "idm_oidc_tokens_expiry" to table: "idm_oidc_tokens"
CREATE INDEX `idm_oidc_tokens_expiry` ON `idm_oidc_tokens` (`expires_at`);
-- create "idm_organizations" table
CREATE TABLE `idm_organizations` (`id` text NOT NULL, `tenant_id` text NOT NULL, `frozen` bool NOT NULL, PRIMARY KEY (`id`));
-- create "idm_sessions" table
CREATE TABLE `idm_sessions` (`hash` text NOT NULL, `uid` text NOT NULL, `subject` text NOT NULL, `created_at` integer NOT NULL, `expires_at` integer NOT NULL, `idle_expires_at` integer NOT NULL, PRIMARY KEY (`hash`));
-- create index "idm_sessions_subject" to table: "idm_sessions"
CREATE INDEX `idm_sessions_subject` ON `idm_sessions` (`subject`);
-- create index "idm_sessions_expiry" to table: "idm_sessions"
CREATE INDEX `idm_sessions_expiry` ON `idm_sessions` (`expires_at`);
-- create index "idm_sessions_idle_expiry" to table: "idm_sessions"
CREATE INDEX `idm_sessions_idle_expiry` ON `idm_sessions` (`idle_expires_at`);
-- create "idm_users" table
CREATE TABLE `idm_users` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `uid` text NOT NULL, `email` text NOT NULL, `email_key` text NOT NULL, `name` text NOT NULL, `surname` text NOT NULL, `operator` bool NOT NULL, `disabled` bool NOT NULL, `password_hash` text NOT NULL, `created_at` integer NOT NULL, `updated_at` integer NOT NULL);
-- create index "idm_users_uid" to table: "idm_users"
CREATE UNIQUE INDEX `idm_users_uid` ON `idm_users` (`uid`);
-- create index "idm_users_email" to table: "idm_users"
CREATE UNIQUE INDEX `idm_users_email` ON `idm_users` (`email_key`);

-- +goose Down
-- reverse: create index "idm_users_email" to table: "idm_users"
DROP INDEX `idm_users_email`;
-- reverse: create index "idm_users_uid" to table: "idm_users"
DROP INDEX `idm_users_uid`;
-- reverse: create "idm_users" table
DROP TABLE `idm_users`;
-- reverse: create index "idm_sessions_idle_expiry" to table: "idm_sessions"
DROP INDEX `idm_sessions_idle_expiry`;
-- reverse: create index "idm_sessions_expiry" to table: "idm_sessions"
DROP INDEX `idm_sessions_expiry`;
-- reverse: create index "idm_sessions_subject" to table: "idm_sessions"
DROP INDEX `idm_sessions_subject`;
-- reverse: create "idm_sessions" table
DROP TABLE `idm_sessions`;
-- reverse: create "idm_organizations" table
DROP TABLE `idm_organizations`;
-- reverse: create index "idm_oidc_tokens_expiry" to table: "idm_oidc_tokens"
DROP INDEX `idm_oidc_tokens_expiry`;
-- reverse: create index "idm_oidc_tokens_user" to table: "idm_oidc_tokens"
DROP INDEX `idm_oidc_tokens_user`;
-- reverse: create index "idm_oidc_tokens_family" to table: "idm_oidc_tokens"
DROP INDEX `idm_oidc_tokens_family`;
-- reverse: create "idm_oidc_tokens" table
DROP TABLE `idm_oidc_tokens`;
-- reverse: create index "idm_oidc_requests_expiry" to table: "idm_oidc_requests"
DROP INDEX `idm_oidc_requests_expiry`;
-- reverse: create index "idm_oidc_requests_code" to table: "idm_oidc_requests"
DROP INDEX `idm_oidc_requests_code`;
-- reverse: create "idm_oidc_requests" table
DROP TABLE `idm_oidc_requests`;
-- reverse: create "idm_oidc_keys" table
DROP TABLE `idm_oidc_keys`;
-- reverse: create index "idm_memberships_organization" to table: "idm_memberships"
DROP INDEX `idm_memberships_organization`;
-- reverse: create index "idm_memberships_user" to table: "idm_memberships"
DROP INDEX `idm_memberships_user`;
-- reverse: create "idm_memberships" table
DROP TABLE `idm_memberships`;
-- reverse: create index "idm_groups_organization" to table: "idm_groups"
DROP INDEX `idm_groups_organization`;
-- reverse: create index "idm_groups_client" to table: "idm_groups"
DROP INDEX `idm_groups_client`;
-- reverse: create "idm_groups" table
DROP TABLE `idm_groups`;
-- reverse: create "idm_clients" table
DROP TABLE `idm_clients`;

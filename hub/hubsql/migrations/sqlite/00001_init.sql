-- +goose Up
-- create "hub_apps" table
CREATE TABLE `hub_apps` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `uid` text NOT NULL, `nid` text NOT NULL, `name` text NOT NULL, `tiny_description` text NOT NULL, `description` text NOT NULL, `logo` text NOT NULL, `categories` json NULL, `stack` text NOT NULL, `host` text NOT NULL, `sso_init_path` text NOT NULL, `notification_path` text NOT NULL, `collections` json NULL, `external_ids` bool NOT NULL, `redirect_paths` json NULL, `active` bool NOT NULL, `sealed_key` blob NULL, `published` bool NOT NULL, `created_at` datetime NOT NULL, `updated_at` datetime NOT NULL);
-- create index "hub_apps_uid" to table: "hub_apps"
CREATE UNIQUE INDEX `hub_apps_uid` ON `hub_apps` (`uid`);
-- create index "hub_apps_nid" to table: "hub_apps"
CREATE UNIQUE INDEX `hub_apps_nid` ON `hub_apps` (`nid`);
-- create "hub_instances" table
CREATE TABLE `hub_instances` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `uid` text NOT NULL, `organization_uid` text NOT NULL, `app_uid` text NOT NULL, `client_uid` text NOT NULL, `active_key` text NULL, `name` text NOT NULL, `status` text NOT NULL, `progress` integer NOT NULL, `step` text NOT NULL, `errors` json NULL, `url` text NOT NULL, `durations` json NULL, `sealed_secrets` blob NULL, `order_kind` text NOT NULL, `order_step` text NOT NULL, `order_step_at` datetime NULL, `order_attempts` integer NOT NULL, `order_due_at` datetime NULL, `order_free_at` datetime NULL, `order_claim` text NOT NULL, `order_claimed_until` datetime NULL, `created_at` datetime NOT NULL, `started_at` datetime NULL, `terminated_at` datetime NULL, `updated_at` datetime NOT NULL);
-- create index "hub_instances_uid" to table: "hub_instances"
CREATE UNIQUE INDEX `hub_instances_uid` ON `hub_instances` (`uid`);
-- create index "hub_instances_active" to table: "hub_instances"
CREATE UNIQUE INDEX `hub_instances_active` ON `hub_instances` (`active_key`);
-- create index "hub_instances_organization" to table: "hub_instances"
CREATE INDEX `hub_instances_organization` ON `hub_instances` (`organization_uid`);
-- create index "hub_instances_order" to table: "hub_instances"
CREATE INDEX `hub_instances_order` ON `hub_instances` (`order_free_at`, `order_due_at`);
-- create "hub_organizations" table
CREATE TABLE `hub_organizations` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `uid` text NOT NULL, `name` text NOT NULL, `currency` text NOT NULL, `financial_year_end_month` integer NOT NULL, `created_at` datetime NOT NULL, `updated_at` datetime NOT NULL);
-- create index "hub_organizations_uid" to table: "hub_organizations"
CREATE UNIQUE INDEX `hub_organizations_uid` ON `hub_organizations` (`uid`);

-- +goose Down
-- reverse: create index "hub_organizations_uid" to table: "hub_organizations"
DROP INDEX `hub_organizations_uid`;
-- reverse: create "hub_organizations" table
DROP TABLE `hub_organizations`;
-- reverse: create index "hub_instances_order" to table: "hub_instances"
DROP INDEX `hub_instances_order`;
-- reverse: create index "hub_instances_organization" to table: "hub_instances"
DROP INDEX `hub_instances_organization`;
-- reverse: create index "hub_instances_active" to table: "hub_instances"
DROP INDEX `hub_instances_active`;
-- reverse: create index "hub_instances_uid" to table: "hub_instances"
DROP INDEX `hub_instances_uid`;
-- reverse: create "hub_instances" table
DROP TABLE `hub_instances`;
-- reverse: create index "hub_apps_nid" to table: "hub_apps"
DROP INDEX `hub_apps_nid`;
-- reverse: create index "hub_apps_uid" to table: "hub_apps"
DROP INDEX `hub_apps_uid`;
-- reverse: create "hub_apps" table
DROP TABLE `hub_apps`;

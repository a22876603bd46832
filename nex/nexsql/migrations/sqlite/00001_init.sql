-- +goose Up
-- create "nex_apps" table
CREATE TABLE `nex_apps` (`id` text NOT NULL, `name` text NOT NULL, `organization` text NOT NULL, `template` text NOT NULL, `status` text NOT NULL, `next_status` text NOT NULL, `errors` json NOT NULL, `restarts` integer NOT NULL, `created_at` integer NOT NULL, `started_at` integer NOT NULL, `stopped_at` integer NOT NULL, `terminated_at` integer NOT NULL, `sealed` blob NULL, `operation` integer NOT NULL, `attempts` integer NOT NULL, `retry_at` integer NOT NULL, PRIMARY KEY (`id`));
-- create index "nex_apps_organization" to table: "nex_apps"
CREATE INDEX `nex_apps_organization` ON `nex_apps` (`organization`, `status`);
-- create index "nex_apps_status" to table: "nex_apps"
CREATE INDEX `nex_apps_status` ON `nex_apps` (`status`);
-- create "nex_durations" table
CREATE TABLE `nex_durations` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `template` text NOT NULL, `status` text NOT NULL, `duration` integer NOT NULL);
-- create index "nex_durations_template" to table: "nex_durations"
CREATE INDEX `nex_durations_template` ON `nex_durations` (`template`, `status`, `id`);
-- create "nex_templates" table
CREATE TABLE `nex_templates` (`id` text NOT NULL, `version` text NOT NULL, `command` json NOT NULL, `health_path` text NOT NULL, `stop_grace` integer NOT NULL, `sealed` blob NOT NULL, PRIMARY KEY (`id`));

-- +goose Down
-- reverse: create "nex_templates" table
DROP TABLE `nex_templates`;
-- reverse: create index "nex_durations_template" to table: "nex_durations"
DROP INDEX `nex_durations_template`;
-- reverse: create "nex_durations" table
DROP TABLE `nex_durations`;
-- reverse: create index "nex_apps_status" to table: "nex_apps"
DROP INDEX `nex_apps_status`;
-- reverse: create index "nex_apps_organization" to table: "nex_apps"
DROP INDEX `nex_apps_organization`;
-- reverse: create "nex_apps" table
DROP TABLE `nex_apps`;

-- +goose Up
-- create "connec_counters" table
CREATE TABLE `connec_counters` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `organization` text NOT NULL, `collection` text NOT NULL, `number` integer NOT NULL, `records` integer NOT NULL, `changes` integer NOT NULL);
-- create index "connec_counters_collection" to table: "connec_counters"
CREATE UNIQUE INDEX `connec_counters_collection` ON `connec_counters` (`organization`, `collection`);
-- create "connec_deliveries" table
CREATE TABLE `connec_deliveries` (`id` text NOT NULL, `subscription_id` text NOT NULL, `organization` text NOT NULL, `collection` text NOT NULL, `resource_id` text NOT NULL, `sequence` integer NOT NULL, `state` text NOT NULL, `pending` bool NOT NULL, `head` bool NOT NULL, `attempts` integer NOT NULL, `next_attempt_at` integer NOT NULL, `due_at` integer NOT NULL, `last_status` integer NOT NULL, `last_error` text NOT NULL, `created_at` integer NOT NULL, `updated_at` integer NOT NULL, PRIMARY KEY (`id`));
-- create index "connec_deliveries_due" to table: "connec_deliveries"
CREATE INDEX `connec_deliveries_due` ON `connec_deliveries` (`subscription_id`, `due_at`, `sequence`) WHERE head;
-- create index "connec_deliveries_pending" to table: "connec_deliveries"
CREATE INDEX `connec_deliveries_pending` ON `connec_deliveries` (`subscription_id`, `resource_id`, `sequence`) WHERE pending;
-- create index "connec_deliveries_organization" to table: "connec_deliveries"
CREATE INDEX `connec_deliveries_organization` ON `connec_deliveries` (`organization`, `sequence`);
-- create index "connec_deliveries_finished" to table: "connec_deliveries"
CREATE INDEX `connec_deliveries_finished` ON `connec_deliveries` (`updated_at`) WHERE NOT pending;
-- create "connec_id_maps" table
CREATE TABLE `connec_id_maps` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `organization` text NOT NULL, `scope` text NOT NULL, `provider` text NOT NULL, `realm` text NOT NULL, `external_id` text NOT NULL, `parent` text NOT NULL, `record_id` text NOT NULL, `group_id` text NOT NULL);
-- create index "connec_id_maps_external" to table: "connec_id_maps"
CREATE UNIQUE INDEX `connec_id_maps_external` ON `connec_id_maps` (`organization`, `scope`, `provider`, `realm`, `external_id`, `parent`);
-- create index "connec_id_maps_record" to table: "connec_id_maps"
CREATE INDEX `connec_id_maps_record` ON `connec_id_maps` (`record_id`);
-- create "connec_resources" table
CREATE TABLE `connec_resources` (`id` text NOT NULL, `organization` text NOT NULL, `collection` text NOT NULL, `version` integer NOT NULL, `attributes` text NOT NULL, `created_at` integer NOT NULL, `updated_at` integer NOT NULL, `code` text NULL, `reference` text NULL, `name` text NULL, `email` text NULL, `first_name` text NULL, `last_name` text NULL, `status` text NULL, `transaction_date` text NULL, PRIMARY KEY (`id`));
-- create index "connec_resources_created" to table: "connec_resources"
CREATE INDEX `connec_resources_created` ON `connec_resources` (`organization`, `collection`, `created_at`, `id`, `status`);
-- create index "connec_resources_updated" to table: "connec_resources"
CREATE INDEX `connec_resources_updated` ON `connec_resources` (`organization`, `collection`, `updated_at`, `id`);
-- create index "connec_resources_code" to table: "connec_resources"
CREATE INDEX `connec_resources_code` ON `connec_resources` (`organization`, `collection`, `code`, `created_at`, `id`) WHERE code IS NOT NULL;
-- create index "connec_resources_reference" to table: "connec_resources"
CREATE INDEX `connec_resources_reference` ON `connec_resources` (`organization`, `collection`, `reference`, `created_at`, `id`) WHERE reference IS NOT NULL;
-- create index "connec_resources_name" to table: "connec_resources"
CREATE INDEX `connec_resources_name` ON `connec_resources` (`organization`, `collection`, `name`, `created_at`, `id`) WHERE name IS NOT NULL;
-- create index "connec_resources_email" to table: "connec_resources"
CREATE INDEX `connec_resources_email` ON `connec_resources` (`organization`, `collection`, `email`, `created_at`, `id`) WHERE email IS NOT NULL;
-- create index "connec_resources_first_name" to table: "connec_resources"
CREATE INDEX `connec_resources_first_name` ON `connec_resources` (`organization`, `collection`, `first_name`, `created_at`, `id`) WHERE first_name IS NOT NULL;
-- create index "connec_resources_last_name" to table: "connec_resources"
CREATE INDEX `connec_resources_last_name` ON `connec_resources` (`organization`, `collection`, `last_name`, `created_at`, `id`) WHERE last_name IS NOT NULL;
-- create index "connec_resources_transaction_date" to table: "connec_resources"
CREATE INDEX `connec_resources_transaction_date` ON `connec_resources` (`organization`, `collection`, `transaction_date`, `created_at`, `id`) WHERE transaction_date IS NOT NULL;
-- create "connec_subscriptions" table
CREATE TABLE `connec_subscriptions` (`id` text NOT NULL, `organization` text NOT NULL, `app_id` text NOT NULL, `collections` text NULL, `url` text NOT NULL, `username` text NOT NULL, `password` text NOT NULL, `secret` text NOT NULL, `external_ids` bool NOT NULL, `created_at` integer NOT NULL, PRIMARY KEY (`id`));
-- create index "connec_subscriptions_organization" to table: "connec_subscriptions"
CREATE INDEX `connec_subscriptions_organization` ON `connec_subscriptions` (`organization`, `id`);
-- create "connec_transactions" table
CREATE TABLE `connec_transactions` (`sequence` integer NOT NULL, `uid` text NOT NULL, `organization` text NOT NULL, `collection` text NOT NULL, `resource_id` text NOT NULL, `version` integer NOT NULL, `action` text NOT NULL, `actor_type` text NOT NULL, `actor_id` text NOT NULL, `actor_name` text NOT NULL, `group_id` text NOT NULL, `request_id` text NOT NULL, `after` text NOT NULL, `at` integer NOT NULL, PRIMARY KEY (`sequence`));
-- create index "connec_transactions_feed" to table: "connec_transactions"
CREATE INDEX `connec_transactions_feed` ON `connec_transactions` (`organization`, `sequence`);
-- create index "connec_transactions_collection_feed" to table: "connec_transactions"
CREATE INDEX `connec_transactions_collection_feed` ON `connec_transactions` (`organization`, `collection`, `sequence`);
-- create index "connec_transactions_version" to table: "connec_transactions"
CREATE INDEX `connec_transactions_version` ON `connec_transactions` (`resource_id`, `version`);

-- +goose Down
-- reverse: create index "connec_transactions_version" to table: "connec_transactions"
DROP INDEX `connec_transactions_version`;
-- reverse: create index "connec_transactions_collection_feed" to table: "connec_transactions"
DROP INDEX `connec_transactions_collection_feed`;
-- reverse: create index "connec_transactions_feed" to table: "connec_transactions"
DROP INDEX `connec_transactions_feed`;
-- reverse: create "connec_transactions" table
DROP TABLE `connec_transactions`;
-- reverse: create index "connec_subscriptions_organization" to table: "connec_subscriptions"
DROP INDEX `connec_subscriptions_organization`;
-- reverse: create "connec_subscriptions" table
DROP TABLE `connec_subscriptions`;
-- reverse: create index "connec_resources_transaction_date" to table: "connec_resources"
DROP INDEX `connec_resources_transaction_date`;
-- reverse: create index "connec_resources_last_name" to table: "connec_resources"
DROP INDEX `connec_resources_last_name`;
-- reverse: create index "connec_resources_first_name" to table: "connec_resources"
DROP INDEX `connec_resources_first_name`;
-- reverse: create index "connec_resources_email" to table: "connec_resources"
DROP INDEX `connec_resources_email`;
-- reverse: create index "connec_resources_name" to table: "connec_resources"
DROP INDEX `connec_resources_name`;
-- reverse: create index "connec_resources_reference" to table: "connec_resources"
DROP INDEX `connec_resources_reference`;
-- reverse: create index "connec_resources_code" to table: "connec_resources"
DROP INDEX `connec_resources_code`;
-- reverse: create index "connec_resources_updated" to table: "connec_resources"
DROP INDEX `connec_resources_updated`;
-- reverse: create index "connec_resources_created" to table: "connec_resources"
DROP INDEX `connec_resources_created`;
-- reverse: create "connec_resources" table
DROP TABLE `connec_resources`;
-- reverse: create index "connec_id_maps_record" to table: "connec_id_maps"
DROP INDEX `connec_id_maps_record`;
-- reverse: create index "connec_id_maps_external" to table: "connec_id_maps"
DROP INDEX `connec_id_maps_external`;
-- reverse: create "connec_id_maps" table
DROP TABLE `connec_id_maps`;
-- reverse: create index "connec_deliveries_finished" to table: "connec_deliveries"
DROP INDEX `connec_deliveries_finished`;
-- reverse: create index "connec_deliveries_organization" to table: "connec_deliveries"
DROP INDEX `connec_deliveries_organization`;
-- reverse: create index "connec_deliveries_pending" to table: "connec_deliveries"
DROP INDEX `connec_deliveries_pending`;
-- reverse: create index "connec_deliveries_due" to table: "connec_deliveries"
DROP INDEX `connec_deliveries_due`;
-- reverse: create "connec_deliveries" table
DROP TABLE `connec_deliveries`;
-- reverse: create index "connec_counters_collection" to table: "connec_counters"
DROP INDEX `connec_counters_collection`;
-- reverse: create "connec_counters" table
DROP TABLE `connec_counters`;

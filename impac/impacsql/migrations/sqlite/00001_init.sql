-- +goose Up
-- create "impac_dashboards" table
CREATE TABLE `impac_dashboards` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `owner_id` text NOT NULL, `name` text NOT NULL, `organization_ids` json NOT NULL, `currency` text NOT NULL, `metadata` text NOT NULL, `widgets_order` json NOT NULL, `created_at` integer NOT NULL, `updated_at` integer NOT NULL);
-- create index "impac_dashboards_owner_id" to table: "impac_dashboards"
CREATE INDEX `impac_dashboards_owner_id` ON `impac_dashboards` (`owner_id`);
-- create "impac_widgets" table
CREATE TABLE `impac_widgets` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `name` text NOT NULL, `endpoint` text NOT NULL, `width` integer NOT NULL, `metadata` text NOT NULL, `dashboard_id` integer NOT NULL, CONSTRAINT `impac_widgets_impac_dashboards_widgets` FOREIGN KEY (`dashboard_id`) REFERENCES `impac_dashboards` (`id`) ON DELETE CASCADE);
-- create index "impac_widgets_dashboard_id" to table: "impac_widgets"
CREATE INDEX `impac_widgets_dashboard_id` ON `impac_widgets` (`dashboard_id`);

-- +goose Down
-- reverse: create index "impac_widgets_dashboard_id" to table: "impac_widgets"
DROP INDEX `impac_widgets_dashboard_id`;
-- reverse: create "impac_widgets" table
DROP TABLE `impac_widgets`;
-- reverse: create index "impac_dashboards_owner_id" to table: "impac_dashboards"
DROP INDEX `impac_dashboards_owner_id`;
-- reverse: create "impac_dashboards" table
DROP TABLE `impac_dashboards`;

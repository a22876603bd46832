-- +goose Up
-- modify "hub_instances" table
ALTER TABLE `hub_instances` ADD COLUMN `settings` text NOT NULL DEFAULT '';

-- +goose Down
-- reverse: modify "hub_instances" table
ALTER TABLE `hub_instances` DROP COLUMN `settings`;

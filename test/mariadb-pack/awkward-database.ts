/** Statements that fill a database with what dumps lose; run as an account that may do everything. */
export const awkward = String.raw`
CREATE TABLE texts (id INT PRIMARY KEY AUTO_INCREMENT, t TEXT CHARACTER SET utf8mb4, l VARCHAR(50) CHARACTER SET latin1, b BLOB, bits BIT(9), j JSON)
  AUTO_INCREMENT = 5000 COMMENT 'it''s odd';
INSERT INTO texts (id, t, l, b, bits, j) VALUES
  (1, '🐘 Grüße \\ "quoted" ''single'' \0 nul \r\n line; DELIMITER ;;', 'café', x'00ff1a5c270a0d', b'100000001', '{"a":[1,2]}'),
  (2, NULL, NULL, NULL, NULL, NULL),
  (3, '\nCREATE DEFINER=root PROCEDURE x()\n/*!50013 DEFINER= SQL SECURITY DEFINER */\n-- Dump completed on', '', '', 0, '[]');
CREATE TABLE numbers (z INT UNSIGNED ZEROFILL, d DECIMAL(65,30), f FLOAT, dbl DOUBLE, y YEAR, ts TIMESTAMP(6) NULL, dt DATETIME(6), e ENUM('','a','b'), s SET('x','y'));
INSERT INTO numbers VALUES (7, -12345678901234567890.123456789, 1.5, 1.7976931348623157e308, 1901, '2026-03-28 01:30:00.123456', '9999-12-31 23:59:59.999999', '', 'x,y');
SET STATEMENT sql_mode = '' FOR INSERT INTO numbers (dt) VALUES ('0000-00-00 00:00:00');
CREATE TABLE zero_id (id INT PRIMARY KEY AUTO_INCREMENT);
SET STATEMENT sql_mode = 'NO_AUTO_VALUE_ON_ZERO' FOR INSERT INTO zero_id VALUES (0), (1);
CREATE TABLE parent (id INT PRIMARY KEY, other INT, generated INT AS (id * 2) STORED, virtual_one INT AS (id + 1) VIRTUAL, CHECK (id > 0))
  PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN MAXVALUE);
INSERT INTO parent (id, other) VALUES (1, 2), (20, 3);
CREATE TABLE z_parent (id INT PRIMARY KEY);
CREATE TABLE a_child (id INT PRIMARY KEY, z INT, CONSTRAINT to_z FOREIGN KEY (z) REFERENCES z_parent (id) ON DELETE CASCADE);
INSERT INTO z_parent VALUES (1);
INSERT INTO a_child VALUES (1, 1);
CREATE TABLE ${'`'}odd ${'``'} name, ü${'`'} (${'`'}select${'`'} INT, ${'`'}a b${'`'} INT INVISIBLE DEFAULT 7);
INSERT INTO ${'`'}odd ${'``'} name, ü${'`'} (${'`'}select${'`'}) VALUES (1);
CREATE SEQUENCE numbering START WITH 100 INCREMENT BY 10;
DO NEXTVAL(numbering);
CREATE TABLE prices (id INT PRIMARY KEY, price INT) WITH SYSTEM VERSIONING;
INSERT INTO prices VALUES (1, 10), (2, 20);
UPDATE prices SET price = 11 WHERE id = 1;
DELETE FROM prices WHERE id = 2;
CREATE TABLE audit (what TEXT);
CREATE DEFINER = 'someone'@'elsewhere' VIEW z_view AS SELECT id, t FROM texts WHERE id > 0 WITH CASCADED CHECK OPTION;
CREATE SQL SECURITY INVOKER VIEW a_view AS SELECT id FROM parent;
CREATE DEFINER = 'someone'@'elsewhere' VIEW y_view AS SELECT '${'`'}shop${'`'}.x it''s' AS x, t AS ${'`'}shop${'`'} FROM texts;
DELIMITER ;;
CREATE DEFINER = 'someone'@'elsewhere' TRIGGER of_texts AFTER INSERT ON texts FOR EACH ROW BEGIN
  INSERT INTO audit VALUES (concat('DEFINER=${'`'}x${'`'}@${'`'}y${'`'};', NEW.id));
END;;
CREATE TRIGGER second_of_texts AFTER INSERT ON texts FOR EACH ROW FOLLOWS of_texts INSERT INTO audit VALUES ('second');;
CREATE DEFINER = 'someone'@'elsewhere' PROCEDURE count_texts(OUT n INT) COMMENT 'counts'
BEGIN
  -- the next line looks like the first one of a routine
CREATE OR REPLACE VIEW made AS SELECT 'DEFINER=${'`'}inner${'`'}@${'`'}body${'`'} ' AS x;
  SELECT count(*) INTO n FROM texts;
END;;
CREATE FUNCTION twice(n INT) RETURNS INT DETERMINISTIC RETURN n * 2;;
CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01 03:00:00' DISABLE COMMENT 'later' DO BEGIN DELETE FROM audit; END;;
DELIMITER ;
`

"""Forms on tables with foreign keys in every direction."""

from __future__ import annotations

from typing import Final

from tests.postgres.forms.rows import ROWS
from tests.postgres.proving import Form

KEYS_SETUP: Final = f"""
CREATE TABLE customer (id int PRIMARY KEY, name varchar(10) UNIQUE, code int, note text,
                       rank int UNIQUE);
CREATE UNIQUE INDEX customer_code ON customer (code);
CREATE TABLE codes (rank int REFERENCES customer (rank));
CREATE INDEX codes_rank ON codes (rank) WHERE rank > 5;
CREATE TABLE product (id bigint PRIMARY KEY);
CREATE TABLE orders (
    id int PRIMARY KEY,
    customer_id int CONSTRAINT orders_customer REFERENCES customer (id) ON DELETE CASCADE,
    customer_name varchar(10) CONSTRAINT orders_name REFERENCES customer (name),
    parent_id int REFERENCES orders (id)
);
CREATE TABLE line (
    id int PRIMARY KEY,
    order_id int NOT NULL,
    product_id bigint,
    CONSTRAINT line_order FOREIGN KEY (order_id) REFERENCES orders ON DELETE CASCADE,
    CONSTRAINT line_product FOREIGN KEY (product_id) REFERENCES product (id) ON DELETE SET NULL
);
CREATE INDEX line_order_id ON line (order_id);
CREATE TABLE note (id int PRIMARY KEY, line_id int REFERENCES line (id));
CREATE TABLE lonely (id int PRIMARY KEY, x int);
INSERT INTO customer SELECT g, 'c' || g, g, '', g FROM generate_series(1, {ROWS}) g;
INSERT INTO codes SELECT NULL FROM generate_series(1, {ROWS}) g;
INSERT INTO product SELECT g FROM generate_series(1, {ROWS}) g;
INSERT INTO orders SELECT g, g, 'c' || g, NULL FROM generate_series(1, {ROWS}) g;
INSERT INTO line SELECT g, g, g FROM generate_series(1, {ROWS}) g;
INSERT INTO note SELECT g, NULL FROM generate_series(1, {ROWS}) g;
INSERT INTO lonely SELECT g, g FROM generate_series(1, {ROWS}) g;
"""

KEYS_FORMS: Final = (
    Form("DROP TABLE note", loses=True),
    Form("DROP TABLE line CASCADE", loses=True),
    Form("DROP TABLE orders CASCADE", loses=True),
    Form("DROP TABLE note, line", loses=True),
    Form("ALTER TABLE line DROP CONSTRAINT line_order"),
    Form("ALTER TABLE orders DROP CONSTRAINT orders_pkey CASCADE"),
    Form("ALTER TABLE customer DROP CONSTRAINT customer_name_key CASCADE"),
    Form("ALTER TABLE line DROP COLUMN order_id", loses=True),
    Form("ALTER TABLE orders DROP COLUMN id CASCADE", loses=True),
    Form("ALTER TABLE orders DROP COLUMN parent_id", loses=True),
    Form("ALTER TABLE customer DROP COLUMN note CASCADE", loses=True),
    Form("ALTER TABLE line RENAME CONSTRAINT line_order TO lo"),
    Form("ALTER TABLE line RENAME COLUMN order_id TO o_id"),
    Form("ALTER TABLE line RENAME TO lines"),
    Form("ALTER TABLE line ALTER CONSTRAINT line_order DEFERRABLE"),
    Form("ALTER TABLE orders ALTER id TYPE bigint"),
    Form("ALTER TABLE line ALTER order_id TYPE bigint"),
    Form("ALTER TABLE line ALTER product_id TYPE int", may_fail=("22003",)),
    Form("ALTER TABLE orders ALTER customer_name TYPE varchar(20)"),
    Form("ALTER TABLE customer ALTER name TYPE varchar(20)"),
    Form("ALTER TABLE customer ALTER name TYPE text"),
    Form("ALTER TABLE orders ALTER parent_id TYPE bigint"),
    Form("TRUNCATE orders CASCADE", loses=True),
    Form("TRUNCATE note", loses=True),
    Form("TRUNCATE orders, line, note", loses=True),
    Form("TRUNCATE customer CASCADE", loses=True),
    Form("ALTER TABLE note SET UNLOGGED"),
    Form("DELETE FROM note WHERE id = 1"),
    Form("DELETE FROM line WHERE id = 1", may_fail=("23503",)),
    Form("DELETE FROM orders WHERE id = 1", may_fail=("23503",)),
    Form("DELETE FROM product WHERE id = 1"),
    Form("DELETE FROM customer WHERE id = 1", may_fail=("23503",)),
    Form(
        "DELETE FROM line",
        loses=True,
        breaks="UPDATE note SET line_id = 1 WHERE id = 1",
    ),
    Form("INSERT INTO line (id, order_id, product_id) VALUES (100001, 1, 1)"),
    Form("INSERT INTO line (id, order_id) VALUES (100001, 1)"),
    Form("INSERT INTO line VALUES (100001, 1, 1)"),
    Form("UPDATE line SET order_id = 2 WHERE id = 1"),
    Form("UPDATE line SET product_id = 2"),
    Form("UPDATE customer SET code = code"),
    Form("UPDATE customer SET code = 100001 WHERE code = 1"),
    Form("CREATE TABLE n (a int REFERENCES orders (id), b bigint REFERENCES product (id))"),
    Form(
        "ALTER TABLE lonely ADD CONSTRAINT f FOREIGN KEY (x) REFERENCES customer (code) NOT VALID;\n"
        "ALTER TABLE lonely VALIDATE CONSTRAINT f",
        breaks="UPDATE lonely SET x = 100000",
    ),
    Form("DROP INDEX customer_code"),
    Form("ALTER TABLE orders DISABLE TRIGGER ALL"),
    Form("CREATE UNIQUE INDEX z ON line (product_id)", breaks="UPDATE line SET product_id = 1"),
)

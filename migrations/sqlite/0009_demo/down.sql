DROP TABLE demo_steps;

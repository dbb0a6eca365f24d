#!/usr/bin/env node
import { letHeapsGrow } from './cli/heap-growth.js';
import { processTerminal } from './cli/output.js';
import { main } from './cli/program.js';

letHeapsGrow();
process.exitCode = await main(process.argv.slice(2), { env: process.env, terminal: processTerminal });

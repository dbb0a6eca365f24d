#!/usr/bin/env node
import { letHeapsGrow } from './cli/heap-growth.js';
import { openProcessTerminal } from './cli/process-terminal.js';
import { main } from './cli/program.js';

letHeapsGrow();
process.exitCode = await main(process.argv.slice(2), { env: process.env, terminal: openProcessTerminal() });

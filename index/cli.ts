#!/usr/bin/env node
import { processTerminal } from './cli/output.js';
import { main } from './cli/program.js';

process.exitCode = await main(process.argv.slice(2), { env: process.env, terminal: processTerminal });

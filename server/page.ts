import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import express, { type RequestHandler } from 'express';

/** The built page: beside this file in dist, in dist when this file runs from source. */
export function webFolder(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  const built = join(here, 'web');
  return existsSync(join(built, 'main.js')) ? built : join(here, '..', 'dist', 'server', 'web');
}

/** Serves the page at `/`. What is not there falls through. */
export function page(): RequestHandler {
  return files(webFolder());
}

/** The client library, which the page is built on, beside the page. */
export function clientLibrary(): RequestHandler {
  return files(join(webFolder(), '..', 'client'));
}

function files(folder: string): RequestHandler {
  return express.static(folder, {
    index: 'index.html',
    redirect: false,
    dotfiles: 'ignore',
    // The names carry no hash: the browser asks each time, and is told that nothing changed.
    cacheControl: false,
    setHeaders: (response) => {
      response.setHeader('Cache-Control', 'no-cache');
    },
  });
}

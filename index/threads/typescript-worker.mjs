// Development and tests only: gives a worker thread the TypeScript loader, which `--import tsx` does not reach there,
// and then runs the module named by its argument. The build has no need of it.
import { register } from 'tsx/esm/api';

register();
await import(process.argv[2]);

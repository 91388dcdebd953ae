/**
 * npm run bench -- <name> [options]: what is measured against doing the same directly, in one run.
 * Each bench prints a table and, last, one line of JSON.
 */
const benches: Record<string, () => Promise<{ run(args: string[]): Promise<number> }>> = {
  agent: () => import('./agent/run.ts'),
  latency: () => import('./latency/run.ts'),
}

const [name = '', ...args] = process.argv.slice(2)
const load = benches[name]
if (load === undefined) {
  console.error(`npm run bench -- <name>; names: ${Object.keys(benches).join(', ')}`)
  process.exitCode = 2
} else process.exitCode = await (await load()).run(args)

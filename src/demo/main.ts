import { parseArgs } from 'node:util'
import { runDemo } from './run.ts'

const USAGE = `npm run demo -- [--keep] [--json]

Shows the whole of Isthmus on this machine: embedded Postgres, a gateway, a data plane and a user's cluster (both
sandboxes) and an agent, as processes of their own. Each step asserts; the first that does not hold ends the demo.

  --keep   leave everything running, print kubeconfigs and what to try; Ctrl-C cleans up
  --json   one JSON object per step
`

const { values } = parseArgs({
  options: { keep: { type: 'boolean' }, json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
})
if (values.help) process.stdout.write(USAGE)
else process.exitCode = await runDemo({ keep: values.keep === true, json: values.json === true })

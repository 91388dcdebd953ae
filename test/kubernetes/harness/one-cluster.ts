// node one-cluster.ts DIR: starts a data plane, prints its pids and its bridge as one line of JSON and waits to be killed.
// For the suite that kills it without a chance to clean up.
import { silentLogger } from '../../../src/lib/logger.ts'
import { startDataPlane } from './cluster.ts'

const dir = process.argv[2]
if (!dir) throw new Error('usage: one-cluster.ts DIR')
const cluster = await startDataPlane({ dir, logger: silentLogger, name: 'killed' })
const pids = cluster.processes.map(({ pid }) => pid)
process.stdout.write(`${JSON.stringify({ pids, bridge: cluster.bridge })}\n`)
setInterval(() => {}, 60_000)

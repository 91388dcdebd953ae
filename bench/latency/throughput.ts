import type { KubeClient } from '../../src/kube/client/index.ts'
import { execute } from './operations.ts'
import { IN, matches, OUT } from './plan.ts'
import { cpuSeconds } from './process-cost.ts'
import type { Progress } from './progress.ts'
import type { BenchStage } from './stage.ts'
import { type Arm, clientOf } from './target.ts'

export interface Throughput {
  direction: string
  /** MiB per second. */
  direct: number
  gateway: number
  /** CPU seconds of the gateway's process per 200 MiB. */
  cpu: number
}

const BYTES = 200 * 2 ** 20
const CHUNK = Buffer.alloc(256 * 1024, 'x')
const ROUNDS = 3
/** 200 MiB at less than 2 MiB/s is no answer but a fault. */
const LIMIT_MS = 120_000

type Act = (client: KubeClient, arm: Arm) => Promise<unknown>

const directions: Readonly<Record<string, Act>> = {
  [OUT]: (client, arm) => execute(client, arm, ['head', '-c', String(BYTES), '/dev/zero']),
  // Not `cat > /dev/null`: busybox's ends by itself after some MiB.
  [IN]: async (client, arm) => {
    const counted = await execute(client, arm, ['wc', '-c'], CHUNK, BYTES / CHUNK.length)
    if (Number(counted) !== BYTES) throw new Error(`of ${BYTES} bytes ${counted} arrived`)
  },
}

/** 200 MiB out of an exec and into one, three times by each arm in turn; the best counts. @throws when one hangs */
export async function measureThroughput(
  stage: BenchStage,
  progress: Progress,
  only: string | undefined,
): Promise<Throughput[]> {
  const results: Throughput[] = []
  for (const [direction, act] of Object.entries(directions)) {
    if (!matches(only, direction)) continue
    const result: Throughput = { direction, direct: 0, gateway: 0, cpu: Number.POSITIVE_INFINITY }
    const profiled = await stage.profiler.start(direction)
    for (let round = 1; round <= ROUNDS; round++) {
      for (const arm of [stage.direct, stage.gateway]) {
        const what = `${direction}, round ${round} of ${ROUNDS}, ${arm.name}`
        await stage.renew()
        const before = cpuSeconds(stage.gatewayPid)
        const rate = await progress.within(LIMIT_MS, what, once(arm, act))
        result[arm.name] = Math.max(result[arm.name], rate)
        if (arm.name === 'gateway') result.cpu = Math.min(result.cpu, cpuSeconds(stage.gatewayPid) - before)
        progress.say(`${what}: ${rate.toFixed(0)} MiB/s`)
      }
    }
    await profiled()
    results.push(result)
  }
  return results
}

/** MiB per second. */
async function once(arm: Arm, act: Act): Promise<number> {
  const client = clientOf(arm)
  const begun = performance.now()
  await act(client, arm)
  const seconds = (performance.now() - begun) / 1000
  await client.close()
  return BYTES / 2 ** 20 / seconds
}

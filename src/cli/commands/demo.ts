import type { Command } from 'commander'
import { CommandEnded } from '../exit-codes.ts'

/** `isthmus demo`: what `npm run demo` shows, also from the installed package. */
export function demoCommand(program: Command): void {
  program
    .command('demo')
    .description('show the whole of Isthmus on this machine, step by step; each step asserts')
    .option('--keep', 'leave everything running, print kubeconfigs and what to try; Ctrl-C cleans up')
    .option('--json', 'one JSON object per step')
    .addHelpText('after', '\nExamples:\n  isthmus demo\n  isthmus demo --keep')
    .action(async (options: { keep?: boolean; json?: boolean }) => {
      const { runDemo } = await import('../../demo/run.ts')
      throw new CommandEnded(await runDemo({ keep: options.keep === true, json: options.json === true }))
    })
}

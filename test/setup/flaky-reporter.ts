import type { Reporter, TestModule } from 'vitest/node'

/** Names the tests that passed only when they were repeated: each is a defect, of the test or of what it tests. */
export default class FlakyReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    for (const module of modules) {
      for (const test of module.children.allTests('passed')) {
        const { retryCount = 0 } = test.diagnostic() ?? {}
        if (retryCount > 0)
          console.error(`flaky: ${module.relativeModuleId} > ${test.fullName} passed at attempt ${retryCount + 1}`)
      }
    }
  }
}

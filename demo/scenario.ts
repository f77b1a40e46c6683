/** Something to back up in the demo: real data, a way to damage it, and a way to check that it is restored. */
export interface Scenario {
  /** What is backed up, for people. */
  title: string
  /** Folder of the script pack, under script-packs/. */
  pack: string
  /** The databases (or directories) that the plan covers. */
  items: string[]
  /** Options of `osb-backup instance create`: where the data is. */
  instanceOptions: string[]
  /** A digest over all of the data: equal before and after means that every byte is back. */
  digest(): Promise<string>
  /** Damages the data; returns what was done, for people. */
  damage(): Promise<string>
  /** Ends what the scenario started. */
  stop(): Promise<void>
}

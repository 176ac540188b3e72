// Only the newest question counts: one is asked at a time, and of those that come meanwhile only the last is asked next.

export class Newest<Question, Answer> {
  private waiting: { question: Question } | null = null;
  private busy = false;
  private turn = 0;

  constructor(
    private readonly ask: (question: Question) => Promise<Answer>,
    private readonly got: (answer: Answer, question: Question) => void,
    private readonly failed: (error: unknown, question: Question) => void,
    private readonly working: (busy: boolean) => void = () => undefined,
  ) {}

  want(question: Question): void {
    this.waiting = { question };
    if (!this.busy) void this.work();
  }

  /** What is asked or waits is of no interest any more. */
  forget(): void {
    this.waiting = null;
    this.turn++;
  }

  private async work(): Promise<void> {
    this.busy = true;
    this.working(true);
    while (this.waiting) {
      const { question } = this.waiting;
      this.waiting = null;
      const turn = this.turn;
      try {
        const answer = await this.ask(question);
        if (turn === this.turn) this.got(answer, question);
      } catch (error) {
        if (turn === this.turn) this.failed(error, question);
      }
    }
    this.busy = false;
    this.working(false);
  }
}

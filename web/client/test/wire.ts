// The JSON protocol of Centrifuge before a TestServer, on WebSocket and on an
// HTTP stream.

import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { WebSocketServer, type WebSocket } from "ws";
import type { TestServer } from "./server.ts";

export interface ConnectRequest {
  token?: string;
  data: { SDKAppID: number; UserID: string; UserSig?: string; Platform?: string };
}
interface Command {
  id?: number;
  connect?: ConnectRequest;
  rpc?: { method: string; data: unknown };
  refresh?: { token: string };
}

/** One client's connection. */
export class Peer {
  userID = "";
  readonly #write: (frame: object) => void;
  readonly #close: (code: number, reason: string) => void;

  constructor(write: (frame: object) => void, close: (code: number, reason: string) => void) {
    this.#write = write;
    this.#close = close;
  }
  reply(frame: object): void {
    this.#write(frame);
  }
  publish(data: object): void {
    this.#write({ push: { channel: "c", pub: { data } } });
  }
  tell(data: object): void {
    this.#write({ push: { message: { data } } });
  }
  close(code: number, reason: string): void {
    this.#close(code, reason);
  }
}

export class Wire {
  url = "";
  readonly peers = new Set<Peer>();
  readonly connects: ConnectRequest[] = [];
  /** An error to answer a connect with, if any. */
  admit: (request: ConnectRequest) => object | undefined = () => undefined;
  /** What is done instead of an answer; false to answer. */
  intercept: (peer: Peer, method: string, answer: () => object) => boolean = () => false;
  readonly #server: TestServer;
  readonly #http = createServer((req, res) => void this.#stream(req, res));
  readonly #sessions = new Map<string, Peer>();

  constructor(server: TestServer) {
    this.#server = server;
    server.push = (userID, data) => {
      for (const peer of this.peers) if (peer.userID === userID) peer.publish(data);
    };
  }

  async start(): Promise<this> {
    const sockets = new WebSocketServer({ server: this.#http, path: "/connection/websocket" });
    sockets.on("connection", (ws: WebSocket) => {
      const peer = new Peer((frame) => ws.send(JSON.stringify(frame)), (code, reason) => ws.close(code, reason));
      ws.on("message", (data) => {
        for (const line of String(data).split("\n")) if (line) this.#command(peer, JSON.parse(line) as Command);
      });
      ws.on("close", () => this.peers.delete(peer));
    });
    this.#http.listen(0, "127.0.0.1");
    await once(this.#http, "listening");
    this.url = `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}`;
    return this;
  }

  stop(): void {
    for (const peer of this.peers) peer.close(3001, "shutdown");
    this.#http.close();
    this.#http.closeAllConnections();
  }

  async #stream(req: IncomingMessage, res: ServerResponse): Promise<void> {
    let body = "";
    for await (const chunk of req) body += String(chunk);
    if (req.url === "/emulation") {
      const { session, data } = JSON.parse(body) as { session: string; data: string };
      res.writeHead(204).end();
      for (const line of data.split("\n")) if (line) this.#command(this.#sessions.get(session)!, JSON.parse(line) as Command);
      return;
    }
    if (req.url !== "/connection/http_stream") {
      res.writeHead(404).end();
      return;
    }
    res.writeHead(200, { "Content-Type": "text/plain" });
    const session = `s${this.#sessions.size}`;
    const peer = new Peer(
      (frame) => res.write(JSON.stringify("connect" in frame ? { ...frame, connect: { ...(frame.connect as object), session, node: "n" } } : frame) + "\n"),
      (code, reason) => {
        res.write(JSON.stringify({ push: { disconnect: { code, reason } } }) + "\n");
        res.end();
      },
    );
    this.#sessions.set(session, peer);
    res.on("close", () => this.peers.delete(peer));
    for (const line of body.split("\n")) if (line) this.#command(peer, JSON.parse(line) as Command);
  }

  #command(peer: Peer, { id, connect, rpc, refresh }: Command): void {
    if (connect) {
      this.connects.push(connect);
      const error = this.admit(connect);
      if (error) {
        peer.reply({ id, error });
        return;
      }
      peer.userID = connect.data.UserID;
      this.peers.add(peer);
      peer.reply({ id, connect: { client: "c1", version: "test", subs: { c: {} }, data: { UserID: peer.userID } } });
    } else if (rpc) {
      const answer = () => this.#server.call(peer.userID, rpc.method, rpc.data);
      if (!this.intercept(peer, rpc.method, answer)) peer.reply({ id, rpc: { data: answer() } });
    } else if (refresh) {
      peer.reply({ id, refresh: { expires: true, ttl: 3600 } });
    }
  }
}

import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/shell.css";
import { App } from "./shell/app.ts";
import { views } from "./shell/views.ts";

void new App(views).start();

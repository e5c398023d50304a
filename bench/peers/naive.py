"""What a competent developer writes on an ordinary day: FastAPI, SQLAlchemy's ORM, one transaction per request.

The peer that our server is measured against. It checks the body with pydantic, writes one order row and two posting
rows and answers. Left out in its favour: keys, idempotency beyond a unique constraint, hosts, receipts, boards.

Run as ``python -m bench.peers.naive DATABASE_URL PORT``; makes its tables if they are not there.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from decimal import Decimal
from typing import Annotated

import uvicorn
from fastapi import Depends, FastAPI, HTTPException
from pydantic import BaseModel, Field
from sqlalchemy import JSON, BigInteger, DateTime, ForeignKey, String, UniqueConstraint
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "naive_orders"
    __table_args__ = (UniqueConstraint("source", "number"),)

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    source: Mapped[str] = mapped_column(String(64))
    number: Mapped[str] = mapped_column(String(100))
    paid_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    currency: Mapped[str] = mapped_column(String(3))
    code: Mapped[str] = mapped_column(String(40))
    amount: Mapped[int] = mapped_column(BigInteger)
    lines: Mapped[list[dict[str, object]]] = mapped_column(JSON)
    postings: Mapped[list["Posting"]] = relationship(back_populates="order")


class Posting(Base):
    __tablename__ = "naive_postings"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("naive_orders.id"), index=True)
    account: Mapped[str] = mapped_column(String(200))
    currency: Mapped[str] = mapped_column(String(3))
    amount: Mapped[int] = mapped_column(BigInteger)
    order: Mapped[Order] = relationship(back_populates="postings")


class LineIn(BaseModel):
    id: str
    sku: str
    quantity: int = Field(gt=0)
    unit_price: Decimal = Field(ge=0)
    discount: Decimal = Decimal(0)


class OrderIn(BaseModel):
    id: str
    source: str
    paid_at: datetime
    currency: str
    lines: list[LineIn] = Field(min_length=1)
    code: str = ""


class OrderOut(BaseModel):
    id: int
    order: str
    amount: Decimal


def create_app(database_url: str) -> FastAPI:
    engine: AsyncEngine = create_async_engine(database_url, pool_size=16, max_overflow=0)
    sessions = async_sessionmaker(engine, expire_on_commit=False)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        yield
        await engine.dispose()

    async def session() -> AsyncIterator[AsyncSession]:
        async with sessions() as opened:
            yield opened

    app = FastAPI(lifespan=lifespan)

    @app.post("/orders", status_code=201)
    async def post_order(given: OrderIn, db: Annotated[AsyncSession, Depends(session)]) -> OrderOut:
        amount = sum((line.quantity * line.unit_price - line.discount for line in given.lines), Decimal(0))
        minor = int(amount * 100)
        order = Order(
            source=given.source,
            number=given.id,
            paid_at=given.paid_at,
            currency=given.currency,
            code=given.code,
            amount=minor,
            lines=[line.model_dump(mode="json") for line in given.lines],
            postings=[
                Posting(account=f"Income:Sales:{given.code}", currency=given.currency, amount=-minor),
                Posting(account=f"Assets:Clearing:{given.source}", currency=given.currency, amount=minor),
            ],
        )
        db.add(order)
        try:
            await db.commit()
        except IntegrityError:
            raise HTTPException(409, "This order was posted before.") from None
        return OrderOut(id=order.id, order=order.number, amount=amount)

    return app


if __name__ == "__main__":
    uvicorn.run(create_app(sys.argv[1]), port=int(sys.argv[2]), log_level="warning", access_log=False)
